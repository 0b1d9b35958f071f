"""What `doctor` looks at. Each check reads whole tables and yields findings; a mend looks again before it writes."""
