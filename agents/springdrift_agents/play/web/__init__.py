"""The game as a web page: the compiled kernel as WebAssembly, what it needs as JSON, and the page itself."""
