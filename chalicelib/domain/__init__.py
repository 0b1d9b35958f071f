"""Rules and values without I/O, HTTP and AWS."""
