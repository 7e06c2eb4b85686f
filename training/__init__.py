"""From recordings to the model file and its card. Not installed on the unit."""

import os

# before TensorFlow is imported, in whichever order the files here do it
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # one summation order, whatever the processor
