"""What files hold: key policies, CloudFormation templates and Terraform plans, each told by its content.

`files` finds and reads them, `detect` tells which kind one is, and a module for each kind makes `contents` of it: the
keys that the file defines, as far as they are known before they are deployed. `live` reads the keys of accounts.
"""
