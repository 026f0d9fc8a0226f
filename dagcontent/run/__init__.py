"""A Resolver and ports into effects, attempts and events. Knows no concrete store and no vendor."""
