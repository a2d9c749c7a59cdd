"""The container engine: the contract (`base`), Docker (`docker`), and which socket it answers on (`endpoint`)."""
