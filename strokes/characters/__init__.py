"""Character images: 28x28 pictures of single characters, and the models that draw and read them."""
