"""Reading and writing files: pictures, videos, paintings, films and weights."""
