"""A Graph, record look-ups and files into keys, a Plan and its explanations. Knows no clock and no I/O of its own."""
