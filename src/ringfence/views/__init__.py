"""Values in, text out. A view prints nothing and knows no terminal."""
