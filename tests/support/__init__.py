"""What tests share: servers, builders, fakes."""
