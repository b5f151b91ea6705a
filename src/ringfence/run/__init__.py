"""One host converged, and many of them."""
