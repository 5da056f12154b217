from hosting.settings import *
