class ReleaseRefused(Exception): pass
def release(*a,**k): pass
