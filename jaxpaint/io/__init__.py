"""Files: pictures, videos, paintings, films and weights, in and out."""
