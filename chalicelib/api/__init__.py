"""The JSON API. A handler parses the request, calls one function of another package and builds the response."""
