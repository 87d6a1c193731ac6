"""Live reads of what people said and did about a post: comments and insights, one shape for both platforms."""
