Feature: AWSConfigRuleKMS

  Rule Name:
    AWSConfigRuleKMS

  Description:
    Checks the key policy of every AWS KMS key for least privilege: nobody may have all KMS actions, no policy gives
    both use and all of administration, every permission of either kind is limited to named users, and administrators
    are on a list. With SeparateDutiesBy = User, one policy may give both, but not to the same user.

  Trigger:
    Configuration changes of AWS::KMS::Key, and of AWS::KMS::Alias where that type is added to the rule.
    Periodically: TwentyFour_Hours.

  Reports on:
    AWS::KMS::Key, by the name of each alias of the key (alias/testkey), or by the key id where it has no alias.
    With ReportResourceAs = KeyId, always by the key id.

  Rule Parameters:
    | Name                     | Needed | Default | Meaning                                                                     |
    | CMK_Whitelist            | no     | no key  | Comma-separated alias patterns of keys that are not judged by their policy, |
    |                          |        |         | with or without the leading alias/.                                         |
    | Admin_User_Id            | yes    | -       | Comma-separated user id patterns of those who may administer keys.          |
    | StrictSeparationOfDuties | no     | false   | With true, any one of kms:Create*, kms:Delete* and kms:Put* beside usage is |
    |                          |        |         | too much; with false, all three are.                                        |
    | SeparateDutiesBy         | no     | Policy  | Policy or User: which of the two must not have both duties. With User,      |
    |                          |        |         | every action that uses or changes a key is a duty.                          |
    | ReportResourceAs         | no     | Alias   | Alias or KeyId: what a result is reported under.                            |
    | ReadKeysFrom             | no     | KMS     | KMS or Config: where a scheduled run reads keys.                            |
    | ExecutionRoleName        | no     | none    | Name of the role to assume instead of the one that AWS Config names in      |
    |                          |        |         | executionRoleArn.                                                           |
    In the patterns, * stands for any characters and ? for one; upper and lower case differ.

  Words used below:
    Usage is kms:Encrypt or kms:Decrypt. Administration is kms:Create*, kms:Delete* and kms:Put*. Each is a duty. A user
    condition is StringLike on aws:userId.
    With SeparateDutiesBy = User, kms:Describe*, kms:Get*, kms:List* and kms:Verify* are reading, which is no duty. Every
    other action that applies the key, such as kms:Sign, is usage; the rest is administration.

  How to read the tables of a key policy:
    A row is a statement, and a comma separates the values of a list. A column with two words is a condition: its
    operator and its key. What an empty cell would hold is left out of the statement; a row without actions is none.

  Background:
    Given the rule parameters
      | name          | value      |
      | CMK_Whitelist | Otter*     |
      | Admin_User_Id | AROAOTTER* |

  # The eight scenarios of the post

  Scenario Outline: disabled-cmk-not-applicable
    Scenario 1: a key that nobody can use is not judged, whatever its alias and its policy.

    Given a KMS key with alias "<alias>"
    And the key is in the state <state>
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "<alias>" as NOT_APPLICABLE
    And the annotation begins with "CMK <alias> is disabled"
    And the annotation mentions "<detail>"

    Examples: Every state but Enabled
      | alias         | state                  | detail                           |
      | alias/testkey | Disabled               | scenario 1                       |
      | alias/testkey | PendingDeletion        | key state PendingDeletion        |
      | alias/testkey | PendingImport          | key state PendingImport          |
      | alias/testkey | PendingReplicaDeletion | key state PendingReplicaDeletion |
      | alias/testkey | Unavailable            | key state Unavailable            |
      | alias/testkey | Creating               | key state Creating               |
      | alias/testkey | Updating               | key state Updating               |

    Examples: The whitelist is not asked
      | alias           | state    | detail     |
      | alias/Otter-EBS | Disabled | scenario 1 |

  Scenario Outline: whitelisted-cmk-compliant
    Scenario 2: the alias decides, although the policy opens all KMS actions.

    Given the rule parameters
      | name          | value           |
      | CMK_Whitelist | <CMK_Whitelist> |
    And a KMS key with alias "<alias>"
    And its key policy allows
      | Action |
      | kms:*  |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "<alias>" as COMPLIANT
    And the annotation begins with "CMK <alias> is in whitelist for CMK Key Policy check"

    Examples: The post's whitelist
      | CMK_Whitelist | alias           |
      | Otter*        | alias/Otter-EBS |
      | Otter*        | alias/Otter     |
      | Otter*        | alias/Otter/Sea |

    Examples: Other ways to write it
      | CMK_Whitelist     | alias           |
      | alias/Otter*      | alias/Otter-EBS |
      | Otter-EBS         | alias/Otter-EBS |
      | Otter-???         | alias/Otter-EBS |
      | *EBS              | alias/Otter-EBS |
      | Beaver*, , Otter* | alias/Otter-EBS |

  Scenario Outline: wildcard-policy-action-not-compliant
    Scenario 3: the policy opens every KMS action that there is or could be. Naming its users does not help.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action          | NotAction         | StringLike aws:userId |
      | <first Action>  | <first NotAction> | AROAOTTERADMIN:*      |
      | <second Action> |                   | AROAOTTERADMIN:*      |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have open KMS permissions and CMK is not whitelisted"

    Examples: Every spelling of all actions
      | first Action | first NotAction | second Action |
      | kms:*        |                 |               |
      | *            |                 |               |
      | KMS:*        |                 |               |
      | k*           |                 |               |
      | kms:**       |                 |               |
      | kms:?*       |                 |               |

    Examples: All but some that are not of KMS
      | first Action | first NotAction | second Action |
      |              | s3:*            |               |
      |              | s3:*, ec2:Run*  |               |

    Examples: Beside other actions, and in another statement
      | first Action       | first NotAction | second Action |
      | kms:Encrypt, kms:* |                 |               |
      | kms:Encrypt        |                 | kms:*         |

  Scenario Outline: no-separation-of-duty-not-compliant
    Scenario 4: usage together with administration, and not every administrator is whitelisted.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action          | StringLike aws:userId |
      | <first Action>  | <user ids>            |
      | <second Action> | <user ids>            |
      | <third Action>  | <user ids>            |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does not have separation of duties and CMK is not whitelisted"

    Examples: All in one statement
      | first Action                                                    | second Action | third Action | user ids       |
      | kms:Encrypt, kms:Decrypt, kms:Create*, kms:Delete*, kms:Put*    |               |              | AROASTRANGER:* |
      | KMS:ENCRYPT, kms:decrypt, kms:create*, kms:dELETE*, Kms:pUT*    |               |              | AROASTRANGER:* |
      | kms:Decrypt, kms:CreateGrant, kms:DeleteAlias, kms:PutKeyPolicy |               |              | AROASTRANGER:* |

    Examples: Spread over several statements
      | first Action             | second Action                      | third Action | user ids       |
      | kms:Encrypt, kms:Decrypt | kms:Create*, kms:Delete*, kms:Put* |              | AROASTRANGER:* |
      | kms:Encrypt, kms:Create* | kms:Delete*                        | kms:Put*     | AROASTRANGER:* |

    Examples: One administrator of several is not whitelisted
      | first Action                                    | second Action | third Action | user ids                         |
      | kms:Encrypt, kms:Create*, kms:Delete*, kms:Put* |               |              | AROAOTTERADMIN:*, AROASTRANGER:* |

  Scenario Outline: separation-of-duty-compliant
    Scenario 5: usage without administration, by any named user.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action   | NotAction   | StringLike aws:userId |
      | <Action> | <NotAction> | AROACRYPT:*           |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties and CMK is not whitelisted"

    Examples: Usage alone
      | Action                   | NotAction |
      | kms:Encrypt, kms:Decrypt |           |
      | kms:Encrypt              |           |
      | kms:Decrypt              |           |
      | KMS:encrypt              |           |
      | kms:*crypt               |           |
      | kms:?ncrypt              |           |
      | kms:En*                  |           |

    Examples: Usage beside two of the three permissions of administration
      | Action                                | NotAction |
      | kms:Encrypt, kms:Create*, kms:Delete* |           |
      | kms:Encrypt, kms:Create*, kms:Put*    |           |
      | kms:D*, kms:PutKeyPolicy              |           |

    Examples: All but some actions of KMS
      | Action | NotAction                          |
      |        | kms:Create*, kms:Delete*, kms:Put* |
      |        | kms:Put*                           |

  Scenario Outline: admin-actions-compliant
    Scenario 6: administration without usage, and every administrator is whitelisted.

    Given the rule parameters
      | name          | value           |
      | Admin_User_Id | <Admin_User_Id> |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action          | StringLike aws:userId |
      | <first Action>  | <user ids>            |
      | <second Action> | <user ids>            |
      | <third Action>  | <user ids>            |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties, CMK is not whitelisted, and user id is whitelisted"

    Examples: In one statement, and spread over several
      | first Action                       | second Action    | third Action | user ids         | Admin_User_Id |
      | kms:Create*, kms:Delete*, kms:Put* |                  |              | AROAOTTERADMIN:* | AROAOTTER*    |
      | KMS:create*, kms:DELETE*, kMs:pUt* |                  |              | AROAOTTERADMIN:* | AROAOTTER*    |
      | kms:Create*                        | kms:Delete*      | kms:Put*     | AROAOTTERADMIN:* | AROAOTTER*    |
      | kms:CreateGrant, kms:DeleteAlias   | kms:PutKeyPolicy |              | AROAOTTERADMIN:* | AROAOTTER*    |
      | kms:C*, kms:De*e*, kms:P*          |                  |              | AROAOTTERADMIN:* | AROAOTTER*    |

    Examples: All that a user id can match, a pattern of Admin_User_Id matches too
      | first Action                       | second Action | third Action | user ids                     | Admin_User_Id          |
      | kms:Create*, kms:Delete*, kms:Put* |               |              | AROAOTTER*                   | AROAOTTER*             |
      | kms:Create*, kms:Delete*, kms:Put* |               |              | AROAOTTERADMIN:alice         | AROAOTTER*             |
      | kms:Create*, kms:Delete*, kms:Put* |               |              | AROAOTTER?:alice             | AROAOTTER?:*           |
      | kms:Create*, kms:Delete*, kms:Put* |               |              | AROAOTTERADMIN:*, AIDABEAVER | AIDABEAVER, AROAOTTER* |

  Scenario Outline: admin-role-not-in-whitelist-not-compliant
    Scenario 7: administration without usage, and not every administrator is whitelisted.

    Given the rule parameters
      | name          | value           |
      | Admin_User_Id | <Admin_User_Id> |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                   | StringLike aws:userId |
      | kms:Create*, kms:Delete* | <first user ids>      |
      | kms:Put*                 | <second user ids>     |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties, CMK is not whitelisted, and user id is not whitelisted"
    And the annotation mentions "Admin_User_Id does not cover "<stranger>""

    Examples: A stranger anywhere
      | first user ids                   | second user ids  | Admin_User_Id | stranger       |
      | AROASTRANGER:*                   | AROASTRANGER:*   | AROAOTTER*    | AROASTRANGER:* |
      | AROAOTTERADMIN:*                 | AROASTRANGER:*   | AROAOTTER*    | AROASTRANGER:* |
      | AROAOTTERADMIN:*, AROASTRANGER:* | AROAOTTERADMIN:* | AROAOTTER*    | AROASTRANGER:* |

    Examples: A user id that matches more than the whitelist
      | first user ids | second user ids  | Admin_User_Id | stranger   |
      | AROAO*         | AROAOTTERADMIN:* | AROAOTTER*    | AROAO*     |
      | AROAOTTER*     | AROAOTTERA       | AROAOTTER?    | AROAOTTER* |
      | aroaotter*     | AROAOTTERADMIN:* | AROAOTTER*    | aroaotter* |

  Scenario Outline: admin-role-not-allowed-actions-not-compliant
    Scenario 8: usage together with administration, though every administrator is whitelisted.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action          | StringLike aws:userId |
      | <first Action>  | <first user ids>      |
      | <second Action> | AROAOTTERADMIN:*      |
      | <third Action>  | AROAOTTERADMIN:*      |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "In Key Policy for alias/testkey, statement does not have separation of duties, CMK is not whitelisted, and user id is whitelisted"

    Examples: All in one statement
      | first Action                                                 | second Action | third Action | first user ids   |
      | kms:Encrypt, kms:Decrypt, kms:Create*, kms:Delete*, kms:Put* |               |              | AROAOTTERADMIN:* |
      | kms:D*, kms:C*, kms:P*                                       |               |              | AROAOTTERADMIN:* |

    Examples: Spread over several statements, where only administrators must be whitelisted
      | first Action             | second Action                      | third Action | first user ids |
      | kms:Encrypt, kms:Decrypt | kms:Create*, kms:Delete*, kms:Put* |              | AROACRYPT:*    |
      | kms:Decrypt              | kms:Create*, kms:Delete*           | kms:Put*     | AROACRYPT:*    |

  # What the post leaves open: the answers around the eight

  Scenario: aws-managed-key-not-applicable
    Nobody can change the policy of a key that AWS manages.

    Given the key that AWS manages for "ebs"
    And a KMS key without an alias
    And the key is managed by AWS
    When AWS Config triggers a scheduled evaluation
    Then the rule reports
      | resource id   | compliance     | annotation begins with                                                              |
      | alias/aws/ebs | NOT_APPLICABLE | Key alias/aws/ebs is managed by AWS, so its key policy is not judged: nothing to do |
      | {key id}      | NOT_APPLICABLE | Key {key id} is managed by AWS, so its key policy is not judged: nothing to do      |

  Scenario Outline: cmk-not-in-whitelist-not-compliant
    Patterns take upper and lower case as they are, and the whole alias must fit.

    Given the rule parameters
      | name          | value           |
      | CMK_Whitelist | <CMK_Whitelist> |
    And a KMS key with alias "<alias>"
    And its key policy allows
      | Action |
      | kms:*  |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "<alias>" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for <alias>, statement does have open KMS permissions and CMK is not whitelisted"

    Examples:
      | CMK_Whitelist | alias                  |
      | Otter*        | alias/otter-EBS        |
      | Otter*        | alias/SecurityOtterCMK |
      | Otter         | alias/Otter-EBS        |
      |               | alias/Otter-EBS        |

  Scenario: key-policy-denied-not-compliant
    A policy that the rule may not read proves nothing. The other keys are judged as usual.

    Given a KMS key with alias "alias/otherkey"
    And its key policy allows
      | Action      | StringLike aws:userId |
      | kms:Encrypt | AROACRYPT:*           |
    And a KMS key with alias "alias/testkey"
    And reading its key policy is denied
    When AWS Config triggers a scheduled evaluation
    Then the rule reports
      | resource id    | compliance    | annotation begins with                                                                                                                  |
      | alias/otherkey | COMPLIANT     | in Key Policy for alias/otherkey, statement does have separation of duties and CMK is not whitelisted                                   |
      | alias/testkey  | NON_COMPLIANT | Key Policy for alias/testkey cannot be read: allow kms:GetKeyPolicy to the rule's role, in the key policy or through the account's root |

  Scenario: whitelisted-cmk-with-denied-policy-compliant
    Where the alias decides, the policy is not read.

    Given a KMS key with alias "alias/Otter-EBS"
    And reading its key policy is denied
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/Otter-EBS" as COMPLIANT
    And the annotation begins with "CMK alias/Otter-EBS is in whitelist for CMK Key Policy check"

  Scenario Outline: describe-key-denied-judged-as-enabled
    Without kms:DescribeKey the key is taken for an enabled one, even if it is not, and its policy decides.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action   | StringLike aws:userId |
      | <Action> | AROACRYPT:*           |
    And its key policy denies
      | Action          |
      | kms:DescribeKey |
    And the key is in the state <state>
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as <compliance>
    And the annotation begins with "in Key Policy for alias/testkey, statement does have <judgement> and CMK is not whitelisted"
    And the annotation mentions "kms:DescribeKey is missing"

    Examples:
      | Action                   | state    | compliance    | judgement            |
      | kms:Encrypt, kms:Decrypt | Enabled  | COMPLIANT     | separation of duties |
      | kms:Encrypt, kms:Decrypt | Disabled | COMPLIANT     | separation of duties |
      | kms:*                    | Enabled  | NON_COMPLIANT | open KMS permissions |

  Scenario: describe-key-and-key-policy-denied-not-compliant
    Given a KMS key with alias "alias/testkey"
    And its key policy denies
      | Action          |
      | kms:DescribeKey |
    And reading its key policy is denied
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "Key Policy for alias/testkey cannot be read: allow kms:GetKeyPolicy to the rule's role, in the key policy or through the account's root"
    And the annotation mentions "kms:DescribeKey is missing"

  Scenario Outline: malformed-policy-not-compliant
    One statement that cannot be read spoils the policy, even if it only denies. The other keys are judged as usual.

    Given a KMS key with alias "alias/Otter-EBS"
    And a KMS key with alias "alias/testkey"
    And its key policy is
      """
      <key policy>
      """
    When AWS Config triggers a scheduled evaluation
    Then the rule reports
      | resource id     | compliance    | annotation begins with                                       |
      | alias/Otter-EBS | COMPLIANT     | CMK alias/Otter-EBS is in whitelist for CMK Key Policy check |
      | alias/testkey   | NON_COMPLIANT | Key Policy for alias/testkey is malformed, correct it        |
    And the annotation mentions "<reason>"

    Examples: The document
      | key policy                | reason               |
      | Allow kms:Encrypt         | it is not JSON       |
      | {"Version": "2012-10-17"} | it has no Statement  |
      | ["kms:Encrypt"]           | it is no JSON object |

    Examples: A statement
      | key policy                                                                                               | reason                                       |
      | {"Statement": ["kms:Encrypt"]}                                                                           | statement 1 is no JSON object                |
      | {"Statement": [{"Effect": "Deny"}]}                                                                      | statement 1 has neither Action nor NotAction |
      | {"Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "NotAction": "kms:Put*"}]}                   | statement 1 has both Action and NotAction    |
      | {"Statement": [{"Effect": "Allow", "Action": [["kms:Encrypt"]]}]}                                        | the Action of statement 1                    |
      | {"Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Condition": ["AROAOTTER*"]}]}               | the Condition of statement 1                 |
      | {"Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Condition": {"StringLike": "AROAOTTER*"}}]} | the Condition of statement 1                 |

    Examples: A statement with a word that IAM does not know
      | key policy                                                               | reason                                                               |
      | {"Statement": [{"Effect": "allow", "Action": "kms:Encrypt"}]}            | statement 1 has the Effect "allow", write Allow or Deny              |
      | {"Statement": [{"Effect": "DENY", "Action": "kms:Encrypt"}]}             | statement 1 has the Effect "DENY", write Allow or Deny               |
      | {"Statement": [{"Action": "kms:Encrypt"}]}                               | statement 1 has no Effect, write Allow or Deny                       |
      | {"Statement": [{"Effect": "Allow", "Actions": "kms:Encrypt"}]}           | statement 1 has the element "Actions", which IAM does not have       |
      | {"Statement": [{"Effect": "Allow", "action": "kms:Encrypt"}]}            | statement 1 has the element "action", which IAM does not have        |
      | {"Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Id": "1"}]} | statement 1 has the element "Id", which IAM does not have            |
      | {"Statement": [{"Effect": "Allow", "Action": "kms:Encrypt "}]}           | the Action of statement 1 has white space or non-ASCII characters    |
      | {"Statement": [{"Effect": "Allow", "NotAction": ["s3:*", "kms: *"]}]}    | the NotAction of statement 1 has white space or non-ASCII characters |
      | {"Statement": [{"Effect": "Deny", "Action": "kms:Éncrypt"}]}             | the Action of statement 1 has white space or non-ASCII characters    |

    Examples: A statement that readers take in two ways
      | key policy                                                                                                                                  | reason                                           |
      | {"Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Action": "kms:*"}]}                                                            | it has "Action" twice in one object              |
      | {"Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Principal": "*", "NotPrincipal": "*"}]}                                        | statement 1 has both Principal and NotPrincipal  |
      | {"Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*", "NotResource": "*"}]}                                          | statement 1 has both Resource and NotResource    |
      | {"Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Condition": {"StringLike": {"aws:userId": "AROAOTTER*", "aws:userid": "*"}}}]} | has both "aws:userId" and "aws:userid", keep one |
      | {"Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Condition": {"StringLike": {}, "stringlike": {}}}]}                            | has both "StringLike" and "stringlike", keep one |

  Scenario: single-statement-compliant
    AWS also takes a lone statement without the brackets of a list.

    Given a KMS key with alias "alias/testkey"
    And its key policy is
      """
      {
        "Version": "2012-10-17",
        "Statement": {
          "Effect": "Allow",
          "Principal": {"AWS": "*"},
          "Action": "kms:Encrypt",
          "Resource": "*",
          "Condition": {"StringLike": {"aws:userId": "AROACRYPT:*"}}
        }
      }
      """
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties and CMK is not whitelisted"

  Scenario Outline: no-user-condition-not-compliant
    Whoever grants usage, or anything of administration, must say to which users.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Sid      | Action   | NotAction   |
      | Too open | <Action> | <NotAction> |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does not limit its users: add StringLike on aws:userId"
    And the annotation mentions ""Too open""

    Examples: Usage
      | Action      | NotAction |
      | kms:Encrypt |           |
      | kms:Decrypt |           |
      | kms:*crypt  |           |

    Examples: Something of administration
      | Action              | NotAction |
      | kms:Create*         |           |
      | kms:*Grant          |           |
      | kms:DeleteAlias     |           |
      | kms:PutSomethingNew |           |

    Examples: Everything but administration
      | Action | NotAction                          |
      |        | kms:Create*, kms:Delete*, kms:Put* |

  Scenario: security-otter-cmk-not-compliant
    The example of the post: its alias only contains Otter, and no statement has a condition for users.

    Given a KMS key with alias "alias/SecurityOtterCMK"
    And its key policy allows
      | Sid                                      | Action                                                                                                                                                                                                          | Bool kms:GrantIsForAWSResource |
      | Allow access for Key Administrators      | kms:Create*, kms:Describe*, kms:Enable*, kms:List*, kms:Put*, kms:Update*, kms:Revoke*, kms:Disable*, kms:Get*, kms:Delete*, kms:TagResource, kms:UntagResource, kms:ScheduleKeyDeletion, kms:CancelKeyDeletion |                                |
      | Allow use of the key                     | kms:Encrypt, kms:Decrypt, kms:ReEncrypt*, kms:GenerateDataKey*, kms:DescribeKey                                                                                                                                 |                                |
      | Allow attachment of persistent resources | kms:CreateGrant, kms:ListGrants, kms:RevokeGrant                                                                                                                                                                | true                           |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/SecurityOtterCMK" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/SecurityOtterCMK, statement does not limit its users: add StringLike on aws:userId"
    And the annotation mentions "Allow access for Key Administrators"

  Scenario: every-statement-with-a-duty-needs-a-user-condition-not-compliant
    A user condition in one statement does not limit another.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Sid         | Action                   | StringLike aws:userId |
      | Limited     | kms:Encrypt, kms:Decrypt | AROACRYPT:*           |
      | Not limited | kms:Decrypt              |                       |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does not limit its users: add StringLike on aws:userId"
    And the annotation mentions ""Not limited" (kms:Decrypt)"

  Scenario: get-key-policy-without-user-condition-compliant
    The statement that the post adds for the rule grants neither usage nor administration.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Sid                         | Action                   | StringLike aws:userId |
      | Enable IAM User Permissions | kms:GetKeyPolicy         |                       |
      | Allow use of the key        | kms:Encrypt, kms:Decrypt | AROACRYPT:*           |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties and CMK is not whitelisted"

  Scenario Outline: user-condition-that-limits-nobody-not-compliant
    A value that fits everybody, or that the caller can choose, makes the whole condition worthless.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action      | <operator> aws:userId |
      | kms:Encrypt | <user ids>            |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does not limit its users: add StringLike on aws:userId"
    And the annotation mentions "limits nobody"

    Examples: Fewer than five characters before the first * or ?
      | operator     | user ids |
      | StringLike   | *        |
      | StringLike   | ??*      |
      | StringLike   | *:*      |
      | StringLike   | *:alice  |
      | StringLike   | A*       |
      | StringLike   | AROA*    |
      | StringEquals | *        |

    Examples: A policy variable
      | operator     | user ids                           |
      | StringLike   | ${aws:userid}                      |
      | StringEquals | AROACRYPT:${aws:PrincipalTag/Team} |

    Examples: Beside a value that does limit
      | operator   | user ids       |
      | StringLike | AROACRYPT:*, * |

  Scenario Outline: user-condition-operator-compliant
    StringLike, what is stricter, and their forms with ForAnyValue. Upper and lower case do not matter.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action      | <operator> <key> |
      | kms:Encrypt | AROACRYPT:alice  |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties and CMK is not whitelisted"

    Examples:
      | operator                           | key        |
      | StringLike                         | aws:userId |
      | StringLike                         | aws:userid |
      | stringlike                         | AWS:USERID |
      | StringEquals                       | aws:userId |
      | StringEqualsIgnoreCase             | aws:userId |
      | ForAnyValue:StringLike             | aws:userId |
      | ForAnyValue:StringEquals           | aws:userId |
      | ForAnyValue:StringEqualsIgnoreCase | aws:userId |

  Scenario Outline: other-condition-not-compliant
    Conditions that also hold without a user id, exclude instead of limit, or ask for something else.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action      | <operator> <key> |
      | kms:Encrypt | AROACRYPT:alice  |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does not limit its users: add StringLike on aws:userId"

    Examples:
      | operator                | key              |
      | StringLikeIfExists      | aws:userId       |
      | ForAllValues:StringLike | aws:userId       |
      | StringNotLike           | aws:userId       |
      | StringNotEquals         | aws:userId       |
      | ArnLike                 | aws:userId       |
      | StringLike              | aws:username     |
      | StringLike              | aws:PrincipalArn |

  Scenario: several-user-conditions-in-one-statement-not-compliant
    Their user ids count together, so each of them must be whitelisted.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                             | StringLike aws:userId | StringEquals aws:userId |
      | kms:Create*, kms:Delete*, kms:Put* | AROAOTTER*            | AROASTRANGER:alice      |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties, CMK is not whitelisted, and user id is not whitelisted"

  Scenario: user-condition-beside-one-that-limits-nobody-compliant
    Both conditions must hold for a caller, so the one that counts is enough.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                             | StringLike aws:userId | ForAnyValue:StringLike aws:userId |
      | kms:Create*, kms:Delete*, kms:Put* | AROAOTTERADMIN:*      | *                                 |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties, CMK is not whitelisted, and user id is whitelisted"

  Scenario Outline: deny-never-helps-not-compliant
    What one statement allows is judged as if nothing were denied.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action    | StringLike aws:userId |
      | <allowed> | AROASTRANGER:*        |
    And its key policy denies
      | Action   |
      | <denied> |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does <judgement> and CMK is not whitelisted"

    Examples:
      | allowed                                         | denied                             | judgement                     |
      | kms:*                                           | kms:Create*, kms:Delete*, kms:Put* | have open KMS permissions     |
      | kms:Encrypt, kms:Create*, kms:Delete*, kms:Put* | kms:Encrypt                        | not have separation of duties |
      | kms:Encrypt, kms:Create*, kms:Delete*, kms:Put* | kms:Put*                           | not have separation of duties |
      | kms:Encrypt, kms:Create*, kms:Delete*, kms:Put* | *                                  | not have separation of duties |

  Scenario Outline: no-scenario-not-compliant
    Neither usage nor the whole of administration is granted to named users, so none of the eight scenarios fits.

    Given a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action    | StringLike aws:userId |
      | <allowed> | AROAOTTERADMIN:*      |
    And its key policy denies
      | Action   |
      | <denied> |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "Key Policy for alias/testkey does not have the permissions defined in the scenarios: grant usage or administration to named users"

    Examples: Too little is allowed
      | allowed                  | denied |
      | kms:GetKeyPolicy         |        |
      | kms:Create*, kms:Delete* |        |
      | kms:Put*                 |        |
      | s3:*, ec2:*              |        |
      |                          |        |

    Examples: The names are not those of the actions
      | allowed      | denied |
      | Encrypt      |        |
      | kms:Encrypt? |        |

    Examples: Denying is not allowing
      | allowed | denied                   |
      |         | kms:Encrypt, kms:Decrypt |

  # StrictSeparationOfDuties

  Scenario Outline: strict-separation-of-duties-not-compliant
    Any one permission of administration beside usage is as bad as all three.

    Given the rule parameters
      | name                     | value |
      | StrictSeparationOfDuties | true  |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action           | StringLike aws:userId |
      | kms:Encrypt      | AROACRYPT:*           |
      | <administration> | AROASTRANGER:*        |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does not have separation of duties and CMK is not whitelisted"

    Examples:
      | administration                     |
      | kms:Create*                        |
      | kms:DeleteAlias                    |
      | kms:PutKeyPolicy                   |
      | kms:Create*, kms:Delete*, kms:Put* |

  Scenario: strict-separation-of-duties-whitelisted-user-not-compliant
    Given the rule parameters
      | name                     | value |
      | StrictSeparationOfDuties | true  |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                        | StringLike aws:userId |
      | kms:Encrypt, kms:PutKeyPolicy | AROAOTTERADMIN:*      |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "In Key Policy for alias/testkey, statement does not have separation of duties, CMK is not whitelisted, and user id is whitelisted"

  Scenario Outline: strict-separation-of-duties-compliant
    Usage alone passes. Without strict mode, part of administration beside usage passes too.

    Given the rule parameters
      | name                     | value    |
      | StrictSeparationOfDuties | <strict> |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action   | StringLike aws:userId |
      | <Action> | AROASTRANGER:*        |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties and CMK is not whitelisted"

    Examples:
      | strict | Action                        |
      | true   | kms:Encrypt, kms:Decrypt      |
      | false  | kms:Encrypt, kms:PutKeyPolicy |
      |        | kms:Encrypt, kms:PutKeyPolicy |

  Scenario: strict-separation-of-duties-admin-actions-compliant
    Given the rule parameters
      | name                     | value |
      | StrictSeparationOfDuties | true  |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                             | StringLike aws:userId |
      | kms:Create*, kms:Delete*, kms:Put* | AROAOTTERADMIN:*      |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties, CMK is not whitelisted, and user id is whitelisted"

  Scenario: strict-separation-of-duties-no-scenario-not-compliant
    Without usage, all three permissions are still needed.

    Given the rule parameters
      | name                     | value |
      | StrictSeparationOfDuties | true  |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                   | StringLike aws:userId |
      | kms:Create*, kms:Delete* | AROAOTTERADMIN:*      |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "Key Policy for alias/testkey does not have the permissions defined in the scenarios: grant usage or administration to named users"

  # SeparateDutiesBy

  Scenario Outline: separate-users-compliant
    The three statements that AWS's console writes, each limited to users. Grants for AWS services are usage, and reading
    needs no user condition.

    Given the rule parameters
      | name                     | value    |
      | SeparateDutiesBy         | User     |
      | StrictSeparationOfDuties | <strict> |
    And a KMS key with alias "alias/SecurityOtterCMK"
    And its key policy allows
      | Sid                                      | Action                                                                                                                                                                                                                                 | Bool kms:GrantIsForAWSResource | StringLike aws:userId |
      | Allow access for Key Administrators      | kms:Create*, kms:Describe*, kms:Enable*, kms:List*, kms:Put*, kms:Update*, kms:Revoke*, kms:Disable*, kms:Get*, kms:Delete*, kms:TagResource, kms:UntagResource, kms:ScheduleKeyDeletion, kms:CancelKeyDeletion, kms:RotateKeyOnDemand |                                | <administrators>      |
      | Allow use of the key                     | kms:Encrypt, kms:Decrypt, kms:ReEncrypt*, kms:GenerateDataKey*, kms:DescribeKey                                                                                                                                                        |                                | <users>               |
      | Allow attachment of persistent resources | kms:CreateGrant, kms:ListGrants, kms:RevokeGrant                                                                                                                                                                                       | true                           | <users>               |
      | Let the rule read the key                | kms:DescribeKey, kms:GetKeyPolicy                                                                                                                                                                                                      |                                |                       |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/SecurityOtterCMK" as COMPLIANT
    And the annotation begins with "in Key Policy for alias/SecurityOtterCMK, statement does have separation of duties, no user both uses and administers the key, and CMK is not whitelisted"

    Examples: No caller fits a user id of both
      | administrators                 | users                   | strict |
      | AROAOTTERADMIN:*               | AROACRYPT:*             |        |
      | AROAOTTERADMIN:*               | AROACRYPT:*             | true   |
      | AROAOTTERADMIN:*, AROAOTTERSEA | AROACRYPT:*, AIDABEAVER |        |
      | AROAOTTERADMIN:alice           | AROAOTTERADMIN:bob      |        |
      | AROAOTTER?:alice               | AROAOTTER??:alice       |        |
      | AROAOTTERADMIN:*               | aroaotteradmin:*        |        |

  Scenario Outline: separate-users-by-policy-not-compliant
    By default, the policy must not give both duties, even to different users.

    Given the rule parameters
      | name             | value        |
      | SeparateDutiesBy | <separation> |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                             | StringLike aws:userId |
      | kms:Create*, kms:Delete*, kms:Put* | AROAOTTERADMIN:*      |
      | kms:Encrypt, kms:Decrypt           | AROACRYPT:*           |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "In Key Policy for alias/testkey, statement does not have separation of duties, CMK is not whitelisted, and user id is whitelisted"

    Examples:
      | separation |
      | Policy     |
      |            |

  Scenario Outline: shared-user-not-compliant
    It is enough that one caller can fit a user id with usage and one with administration.

    Given the rule parameters
      | name             | value |
      | SeparateDutiesBy | User  |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action           | <operator> aws:userId |
      | kms:Decrypt      | <users>               |
      | kms:PutKeyPolicy | <administrators>      |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "In Key Policy for alias/testkey, statement does not have separation of duties, CMK is not whitelisted, and user id is whitelisted"
    And the annotation mentions "<shared>"

    Examples: The same user id
      | operator   | users                         | administrators                 | shared                                       |
      | StringLike | AROAOTTERADMIN:*              | AROAOTTERADMIN:*               | "AROAOTTERADMIN:*" both uses and administers |
      | StringLike | AROACRYPT:*, AROAOTTERADMIN:* | AROAOTTERADMIN:*, AROAOTTERSEA | "AROAOTTERADMIN:*" both uses and administers |

    Examples: Patterns that overlap
      | operator   | users                | administrators       | shared                                                                                      |
      | StringLike | AROAOTTERADMIN:alice | AROAOTTERADMIN:*     | "AROAOTTERADMIN:alice" uses, "AROAOTTERADMIN:*" administers, and one caller can be both     |
      | StringLike | AROAO*               | AROAOTTERADMIN:*     | "AROAO*" uses, "AROAOTTERADMIN:*" administers, and one caller can be both                   |
      | StringLike | AROAOTTER*:alice     | AROAOTTERADMIN:*     | "AROAOTTER*:alice" uses, "AROAOTTERADMIN:*" administers, and one caller can be both         |
      | StringLike | AROAOTTER?????:alice | AROAOTTERADMIN:a???e | "AROAOTTER?????:alice" uses, "AROAOTTERADMIN:a???e" administers, and one caller can be both |

    Examples: An operator that ignores upper and lower case
      | operator               | users                | administrators       | shared                                                                                      |
      | StringEqualsIgnoreCase | aroaotteradmin:alice | AROAOTTERADMIN:alice | "aroaotteradmin:alice" uses, "AROAOTTERADMIN:alice" administers, and one caller can be both |

  Scenario: grants-for-others-are-administration-not-compliant
    Without kms:GrantIsForAWSResource, whoever creates grants can give the key's use to anybody.

    Given the rule parameters
      | name             | value |
      | SeparateDutiesBy | User  |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                       | StringLike aws:userId |
      | kms:PutKeyPolicy             | AROAOTTERADMIN:*      |
      | kms:Decrypt, kms:CreateGrant | AROACRYPT:*           |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does not have separation of duties and CMK is not whitelisted"
    And the annotation mentions "Admin_User_Id does not cover "AROACRYPT:*""

  Scenario Outline: unlisted-administrator-beside-separate-users-not-compliant
    Whoever may administer must be on the list, even for a single action that the post does not name.

    Given the rule parameters
      | name             | value |
      | SeparateDutiesBy | User  |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                             | StringLike aws:userId |
      | kms:Create*, kms:Delete*, kms:Put* | AROAOTTERADMIN:*      |
      | kms:Encrypt, kms:Decrypt           | AROACRYPT:*           |
      | <administration>                   | AROASTRANGER:*        |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does not have separation of duties and CMK is not whitelisted"
    And the annotation mentions "Admin_User_Id does not cover "AROASTRANGER:*""

    Examples:
      | administration          |
      | kms:PutKeyPolicy        |
      | kms:ScheduleKeyDeletion |
      | kms:Disable*            |
      | kms:TagResource         |
      | kms:SomethingNew        |

  Scenario Outline: one-duty-by-user
    Usage alone, or anything of administration alone, is judged as in the post.

    Given the rule parameters
      | name             | value |
      | SeparateDutiesBy | User  |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action   | StringLike aws:userId |
      | <Action> | <user ids>            |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as <compliance>
    And the annotation begins with "in Key Policy for alias/testkey, statement does <judgement>"

    Examples: Usage
      | Action              | user ids    | compliance | judgement                                            |
      | kms:Decrypt         | AROACRYPT:* | COMPLIANT  | have separation of duties and CMK is not whitelisted |
      | kms:GenerateDataKey | AROACRYPT:* | COMPLIANT  | have separation of duties and CMK is not whitelisted |

    Examples: Administration
      | Action                  | user ids         | compliance    | judgement                                                                         |
      | kms:PutKeyPolicy        | AROAOTTERADMIN:* | COMPLIANT     | have separation of duties, CMK is not whitelisted, and user id is whitelisted     |
      | kms:ScheduleKeyDeletion | AROAOTTERADMIN:* | COMPLIANT     | have separation of duties, CMK is not whitelisted, and user id is whitelisted     |
      | kms:ScheduleKeyDeletion | AROASTRANGER:*   | NON_COMPLIANT | have separation of duties, CMK is not whitelisted, and user id is not whitelisted |

  Scenario Outline: every-action-is-a-duty-without-user-condition-not-compliant
    Whatever uses or changes the key, or may do so one day, must be limited to users.

    Given the rule parameters
      | name             | value |
      | SeparateDutiesBy | User  |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Sid      | Action   | NotAction   |
      | Too open | <Action> | <NotAction> |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does not limit its users: add StringLike on aws:userId"
    And the annotation mentions ""Too open""

    Examples: Usage
      | Action                 | NotAction |
      | kms:Encrypt            |           |
      | kms:ReEncryptFrom      |           |
      | kms:GenerateDataKey*   |           |
      | kms:Sign               |           |
      | kms:DeriveSharedSecret |           |

    Examples: Administration
      | Action                  | NotAction |
      | kms:PutKeyPolicy        |           |
      | kms:ScheduleKeyDeletion |           |
      | kms:DisableKey          |           |
      | kms:RetireGrant         |           |
      | kms:SomethingNew        |           |

    Examples: Everything but some
      | Action | NotAction                                      |
      |        | kms:Create*, kms:Delete*, kms:Put*, kms:*crypt |

  Scenario Outline: reading-only-not-compliant
    Reading is no duty: it needs no user condition, and a key that can only be read fits no scenario.

    Given the rule parameters
      | name             | value |
      | SeparateDutiesBy | User  |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action   |
      | <Action> |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "Key Policy for alias/testkey does not have the permissions defined in the scenarios: grant usage or administration to named users"
    And the annotation mentions "neither usage nor administration"

    Examples:
      | Action                                          |
      | kms:Describe*, kms:Get*, kms:List*, kms:Verify* |
      | kms:DescribeKey, kms:GetKeyPolicy               |
      | kms:VerifyMac                                   |

  Scenario Outline: service-limited-to-its-source-compliant
    An AWS service has no user id. It may use the key for the resources of accounts or organizations that are named.

    Given the rule parameters
      | name             | value |
      | SeparateDutiesBy | User  |
    And a KMS key with alias "alias/testkey"
    And its key policy is
      """
      {
        "Version": "2012-10-17",
        "Statement": [
          {
            "Sid": "Allow CloudWatch Logs",
            "Effect": "Allow",
            "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
            "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            "Resource": "*",
            "Condition": {"<operator>": {"<key>": <values>}}
          }
        ]
      }
      """
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties and CMK is not whitelisted"

    Examples:
      | operator              | key                                | values                                                  |
      | ArnLike               | aws:SourceArn                      | "arn:aws:logs:us-east-1:111122223333:log-group:*"       |
      | StringLike            | AWS:sourcearn                      | "arn:aws:logs:*:111122223333:*"                         |
      | ForAnyValue:ArnEquals | aws:SourceArn                      | ["arn:aws:logs:us-east-1:111122223333:log-group:otter"] |
      | StringEquals          | aws:SourceAccount                  | ["111122223333", "444455556666"]                        |
      | StringEquals          | aws:SourceOrgID                    | "o-otter12345"                                          |
      | ArnLike               | kms:EncryptionContext:aws:logs:arn | "arn:aws:logs:us-east-1:111122223333:log-group:*"       |

  Scenario Outline: service-not-limited-to-its-source-not-compliant
    The source can be anybody's, the caller need not be a service, or the statement grants administration.

    Given the rule parameters
      | name             | value |
      | SeparateDutiesBy | User  |
    And a KMS key with alias "alias/testkey"
    And its key policy is
      """
      {
        "Version": "2012-10-17",
        "Statement": [
          {
            "Sid": "Allow CloudWatch Logs",
            "Effect": "Allow",
            "Principal": <principal>,
            "Action": "<action>",
            "Resource": "*",
            "Condition": {"<operator>": {"<key>": <values>}}
          }
        ]
      }
      """
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does not limit its users: add StringLike on aws:userId"
    And the annotation mentions ""Allow CloudWatch Logs" (<action>)"

    Examples: The source may be anybody's
      | principal                                   | action      | operator             | key               | values                                 |
      | {"Service": "logs.us-east-1.amazonaws.com"} | kms:Decrypt | ArnLike              | aws:SourceArn     | "arn:aws:logs:us-east-1:*:*"           |
      | {"Service": "logs.us-east-1.amazonaws.com"} | kms:Decrypt | ArnLike              | aws:SourceArn     | ["arn:aws:logs:*:111122223333:*", "*"] |
      | {"Service": "logs.us-east-1.amazonaws.com"} | kms:Decrypt | StringLike           | aws:SourceAccount | "1111*"                                |
      | {"Service": "logs.us-east-1.amazonaws.com"} | kms:Decrypt | StringLike           | aws:SourceOrgID   | "o-*"                                  |
      | {"Service": "logs.us-east-1.amazonaws.com"} | kms:Decrypt | StringEquals         | aws:SourceAccount | "${aws:ResourceAccount}"               |
      | {"Service": "logs.us-east-1.amazonaws.com"} | kms:Decrypt | StringEquals         | aws:SourceAccount | []                                     |
      | {"Service": "logs.us-east-1.amazonaws.com"} | kms:Decrypt | StringEqualsIfExists | aws:SourceAccount | "111122223333"                         |
      | {"Service": "logs.us-east-1.amazonaws.com"} | kms:Decrypt | StringLike           | kms:ViaService    | "s3.us-east-1.amazonaws.com"           |

    Examples: Not a service alone, and not usage alone
      | principal                                               | action           | operator     | key               | values         |
      | {"AWS": "*"}                                            | kms:Decrypt      | StringEquals | aws:SourceAccount | "111122223333" |
      | {"Service": "logs.us-east-1.amazonaws.com", "AWS": "*"} | kms:Decrypt      | StringEquals | aws:SourceAccount | "111122223333" |
      | {"Service": "logs.us-east-1.amazonaws.com"}             | kms:PutKeyPolicy | StringEquals | aws:SourceAccount | "111122223333" |

  # What is reported

  Scenario: key-without-alias-reported-by-key-id
    Given a KMS key without an alias
    And its key policy allows
      | Action |
      | kms:*  |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "{key id}" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for {key id}, statement does have open KMS permissions and CMK is not whitelisted"

  Scenario: key-with-two-aliases-reported-by-each
    Given a KMS key with alias "alias/testkey"
    And the key has the alias "alias/secondkey" too
    And its key policy allows
      | Action |
      | kms:*  |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports
      | resource id     | compliance    | annotation begins with                                                                                 |
      | alias/testkey   | NON_COMPLIANT | in Key Policy for alias/testkey, statement does have open KMS permissions and CMK is not whitelisted   |
      | alias/secondkey | NON_COMPLIANT | in Key Policy for alias/secondkey, statement does have open KMS permissions and CMK is not whitelisted |

  Scenario: key-with-one-whitelisted-alias-compliant
    One whitelisted alias is enough for all of them.

    Given a KMS key with alias "alias/testkey"
    And the key has the alias "alias/Otter-EBS" too
    When AWS Config triggers a scheduled evaluation
    Then the rule reports
      | resource id     | compliance | annotation begins with                                       |
      | alias/testkey   | COMPLIANT  | CMK alias/testkey is in whitelist for CMK Key Policy check   |
      | alias/Otter-EBS | COMPLIANT  | CMK alias/Otter-EBS is in whitelist for CMK Key Policy check |
    And the annotation mentions "alias/Otter-EBS matches Otter*"

  Scenario Outline: report-resource-as-key-id
    One evaluation for each key, however many aliases it has. The whitelist still asks for aliases.

    Given the rule parameters
      | name             | value |
      | ReportResourceAs | KeyId |
    And a KMS key with alias "alias/testkey"
    And the key has the alias "<second alias>" too
    And its key policy allows
      | Action |
      | kms:*  |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "{key id}" as <compliance>
    And the annotation begins with "<sentence>"

    Examples:
      | second alias    | compliance    | sentence                                                                                        |
      | alias/secondkey | NON_COMPLIANT | in Key Policy for {key id}, statement does have open KMS permissions and CMK is not whitelisted |
      | alias/Otter-EBS | COMPLIANT     | CMK {key id} is in whitelist for CMK Key Policy check                                           |

  Scenario: long-alias-shortened-in-annotation
    AWS Config takes 256 characters, so the sentence stays whole and the alias gives way in its middle.

    Given a KMS key with alias "alias/a-name-that-says-in-full-for-which-application-in-which-stage-of-which-department-in-which-country-this-key-encrypts-what-nobody-else-may-ever-read"
    And its key policy allows
      | Action                             | StringLike aws:userId |
      | kms:Create*, kms:Delete*, kms:Put* | AROASTRANGER:*        |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports "alias/a-name-that-says-in-full-for-which-application-in-which-stage-of-which-department-in-which-country-this-key-encrypts-what-nobody-else-may-ever-read" as NON_COMPLIANT
    And the annotation mentions "in Key Policy for alias/a-name-that-says-in-full"
    And the annotation mentions "nobody-else-may-ever-read, statement does have separation of duties, CMK is not whitelisted, and user id is not whitelisted"

  Scenario Outline: evaluation-ordered-by-the-time-of-the-event
    Given a KMS key with alias "alias/testkey"
    When AWS Config <event>
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the evaluation is ordered by the event's <time>
    And the annotation begins with "in Key Policy for alias/testkey, statement does have open KMS permissions and CMK is not whitelisted"

    Examples:
      | event                                                  | time                         |
      | triggers a scheduled evaluation                        | notificationCreationTime     |
      | reports a change of the key "alias/testkey"            | configurationItemCaptureTime |
      | reports an oversized change of the key "alias/testkey" | configurationItemCaptureTime |
      | reports a change of the alias "alias/testkey"          | configurationItemCaptureTime |

  # Which keys are judged

  Scenario: every-key-judged-on-schedule
    Given a KMS key with alias "alias/otherkey"
    And the key is in the state Disabled
    And a KMS key with alias "alias/Otter-EBS"
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                   | StringLike aws:userId |
      | kms:Encrypt, kms:Decrypt | AROACRYPT:*           |
    And a KMS key without an alias
    When AWS Config triggers a scheduled evaluation
    Then the rule reports
      | resource id     | compliance     | annotation begins with                                                                               |
      | alias/otherkey  | NOT_APPLICABLE | CMK alias/otherkey is disabled                                                                       |
      | alias/Otter-EBS | COMPLIANT      | CMK alias/Otter-EBS is in whitelist for CMK Key Policy check                                         |
      | alias/testkey   | COMPLIANT      | in Key Policy for alias/testkey, statement does have separation of duties and CMK is not whitelisted |
      | {key id}        | NON_COMPLIANT  | in Key Policy for {key id}, statement does have open KMS permissions and CMK is not whitelisted      |

  Scenario: read-keys-from-config-same-answers
    On schedule, AWS Config's own records take the place of calls of KMS.

    Given the rule parameters
      | name         | value  |
      | ReadKeysFrom | Config |
    And AWS Config records the keys of the account
    And a KMS key with alias "alias/open"
    And its key policy allows
      | Action |
      | kms:*  |
    And a KMS key with alias "alias/used"
    And its key policy allows
      | Action      | StringLike aws:userId |
      | kms:Decrypt | AROABEAVER:*          |
    When AWS Config triggers a scheduled evaluation
    Then the rule reports
      | resource id | compliance    | annotation begins with                                                                            |
      | alias/open  | NON_COMPLIANT | in Key Policy for alias/open, statement does have open KMS permissions and CMK is not whitelisted |
      | alias/used  | COMPLIANT     | in Key Policy for alias/used, statement does have separation of duties and CMK is not whitelisted |
    And no key policy was read from KMS

  Scenario: execution-role-name-judges-the-account-of-the-event
    A rule of an organization runs in one account and judges the keys of another, with a role of that one.

    Given the rule parameters
      | name              | value           |
      | ExecutionRoleName | rdk/config-role |
    And a KMS key with alias "alias/otherkey"
    And a KMS key with alias "alias/testkey" in the account 444455556666
    When AWS Config triggers a scheduled evaluation of the account 444455556666
    Then the rule reports "alias/testkey" as NON_COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have open KMS permissions and CMK is not whitelisted"

  Scenario Outline: changed-key-judged-alone
    A change is read live from KMS: what the configuration item shows may be older, and here it is.

    Given a KMS key with alias "alias/otherkey"
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                   | StringLike aws:userId |
      | kms:Encrypt, kms:Decrypt | AROACRYPT:*           |
    When AWS Config <event>
    Then the rule reports "alias/testkey" as COMPLIANT
    And the annotation begins with "in Key Policy for alias/testkey, statement does have separation of duties and CMK is not whitelisted"

    Examples:
      | event                                                  |
      | reports a change of the key "alias/testkey"            |
      | reports an oversized change of the key "alias/testkey" |
      | reports a change of the alias "alias/testkey"          |

  Scenario Outline: changed-key-judged-from-its-own-item
    With ReadKeysFrom = Config, the event's own item takes the place of calls of KMS: here it is older than the key. An
    oversized change brings none, and is read live.

    Given the rule parameters
      | name         | value  |
      | ReadKeysFrom | Config |
    And a KMS key with alias "alias/testkey"
    And its key policy allows
      | Action                   | StringLike aws:userId |
      | kms:Encrypt, kms:Decrypt | AROACRYPT:*           |
    When AWS Config reports <event> of the key "alias/testkey"
    Then the rule reports "alias/testkey" as <compliance>
    And the annotation begins with "in Key Policy for alias/testkey, statement does have <sentence> and CMK is not whitelisted"
    And beside the key's aliases, <calls> was asked

    Examples:
      | event               | compliance    | sentence             | calls                             |
      | a change            | NON_COMPLIANT | open KMS permissions | nothing                           |
      | an oversized change | COMPLIANT     | separation of duties | kms:DescribeKey, kms:GetKeyPolicy |

  Scenario Outline: deleted-key-not-applicable
    The key is taken out of AWS Config's list, and not read any more.

    Given a KMS key without an alias
    When AWS Config reports <event>
    Then the rule reports "{key id}" as NOT_APPLICABLE
    And the annotation begins with "Key or alias {key id} is deleted, or no longer in the rule's scope"

    Examples:
      | event                                 |
      | the key as ResourceDeleted            |
      | the key as ResourceDeletedNotRecorded |
      | the key as ResourceNotRecorded        |
      | that the key left the rule's scope    |

  Scenario: moved-alias-judges-both-keys
    The key that an alias pointed to before may have lost its whitelisted alias.

    Given a KMS key with alias "alias/formerkey"
    And a KMS key with alias "alias/otherkey"
    And a KMS key with alias "alias/Otter-EBS"
    When AWS Config reports that the alias "alias/Otter-EBS" was moved from the key "alias/formerkey"
    Then the rule reports
      | resource id     | compliance    | annotation begins with                                                                                 |
      | alias/Otter-EBS | COMPLIANT     | CMK alias/Otter-EBS is in whitelist for CMK Key Policy check                                           |
      | alias/formerkey | NON_COMPLIANT | in Key Policy for alias/formerkey, statement does have open KMS permissions and CMK is not whitelisted |

  Scenario: vanished-key-left-out
    A key that is gone when it is read gets no answer; the other one does.

    Given a KMS key with alias "alias/Otter-EBS"
    When AWS Config reports that the alias "alias/Otter-EBS" was moved from a key that is gone
    Then the rule reports "alias/Otter-EBS" as COMPLIANT
    And the annotation begins with "CMK alias/Otter-EBS is in whitelist for CMK Key Policy check"

  Scenario: deleted-alias-not-applicable
    The name is taken back, and its key is judged again without it.

    Given a KMS key with alias "alias/testkey"
    And the key had the alias "alias/Otter-EBS" too, which was deleted
    When AWS Config reports the alias "alias/Otter-EBS" of the key as ResourceDeleted
    Then the rule reports
      | resource id     | compliance     | annotation begins with                                                                               |
      | alias/Otter-EBS | NOT_APPLICABLE | Key or alias alias/Otter-EBS is deleted, or no longer in the rule's scope                            |
      | alias/testkey   | NON_COMPLIANT  | in Key Policy for alias/testkey, statement does have open KMS permissions and CMK is not whitelisted |

  # What cannot be done raises, because AWS Config ignores what the function returns

  Scenario Outline: wrong-parameter-raises
    Given the rule parameters
      | name   | value   |
      | <name> | <value> |
    When AWS Config triggers a scheduled evaluation
    Then the rule raises an error that begins with "The rule parameter <problem>"

    Examples:
      | name                     | value  | problem                                                                                          |
      | Admin_User_Id            |        | Admin_User_Id is "": give at least one user id pattern, such as AROAOTTER*.                      |
      | Admin_User_Id            | ,      | Admin_User_Id is ",": give at least one user id pattern, such as AROAOTTER*.                     |
      | StrictSeparationOfDuties | True   | StrictSeparationOfDuties is "True": allowed are false, true.                                     |
      | SeparateDutiesBy         | user   | SeparateDutiesBy is "user": allowed are Policy, User.                                            |
      | ReportResourceAs         | Arn    | ReportResourceAs is "Arn": allowed are Alias, KeyId.                                             |
      | ReadKeysFrom             | Cache  | ReadKeysFrom is "Cache": allowed are KMS                                                         |
      | CMK_Whitelists           | Otter* | "CMK_Whitelists", given as "Otter*", is unknown: remove or rename it; allowed are CMK_Whitelist, |

  Scenario Outline: event-for-something-else-raises
    When AWS Config <event>
    Then the rule raises an error that begins with "<problem>"

    Examples:
      | event                                                  | problem                                                                                                             |
      | reports a change of a resource of type AWS::S3::Bucket | The configurationItem is of type "AWS::S3::Bucket": restrict the rule's scope to AWS::KMS::Key and AWS::KMS::Alias. |
      | delivers a configuration snapshot                      | The messageType of the invokingEvent is "ConfigurationSnapshotDeliveryCompleted"                                    |
      | triggers a proactive evaluation                        | The event's evaluationMode is "PROACTIVE"                                                                           |
