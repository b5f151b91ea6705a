"""Values in, text out. A view prints nothing and knows no terminal; `table` has those of runs, by their formats."""
