"""`migaga up`: a whole fleet on one machine, from the same plan that a cluster follows."""
