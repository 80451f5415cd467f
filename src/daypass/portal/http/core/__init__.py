"""The layers that all channels share: middleware, authentication, authorization, endpoints and errors."""
