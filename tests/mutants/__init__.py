"""`make mutants`: would the tests notice a fault where one opens or loses a host?"""
