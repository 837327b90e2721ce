"""Networks made elsewhere: snnTorch modules and NIR graphs as floating-point graphs, quantised for the chip."""
