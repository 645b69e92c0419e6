"""One module per export: how a vendor writes down what happened. No draws that change what people do belong here."""
