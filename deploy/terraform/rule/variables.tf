variable "package_file" {
  description = "File that `make package` or `kms-rule package` builds, the function's code."
  type        = string
}

variable "rule_name" {
  description = "Name of the rule and the function. The role is called this, a hyphen, and the Region."
  type        = string
  default     = "AWSConfigRuleKMS"

  validation {
    # A role's name has 64 characters at most, and a Region's name takes up to 15 of them.
    condition     = can(regex("^[A-Za-z0-9_-]{1,48}$", var.rule_name))
    error_message = "rule_name needs 1 to 48 letters, digits, hyphens and underscores."
  }
}

variable "memory_size" {
  description = "Megabytes. Processor time is in proportion; docs/deploying.md says how many keys need how much."
  type        = number
  default     = 512

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "memory_size is between 128 and 10240."
  }
}

variable "timeout" {
  description = "Seconds that one run may take."
  type        = number
  default     = 300

  validation {
    condition     = var.timeout >= 1 && var.timeout <= 900
    error_message = "timeout is between 1 and 900."
  }
}

variable "runtime" {
  description = "Lambda runtime of the function. `python3.14` needs version 6.20 of the provider."
  type        = string
  default     = "python3.13"

  validation {
    condition     = contains(["python3.13", "python3.14"], var.runtime)
    error_message = "runtime is python3.13 or python3.14."
  }
}

variable "architecture" {
  description = "Processor that the function runs on; the package is the same for both."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture is x86_64 or arm64."
  }
}

variable "reserved_concurrency" {
  description = "Runs that may be under way at once, taken from what the account may run; null for no limit of the function's own."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null ? true : var.reserved_concurrency >= 1
    error_message = "reserved_concurrency is 1 or more, or null."
  }
}

variable "log_retention_in_days" {
  description = "Days that the function's log is kept."
  type        = number
  default     = 90

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_in_days
    )
    error_message = "log_retention_in_days is a number of days that CloudWatch Logs offers, such as 30, 90 or 365."
  }
}

variable "log_format" {
  description = "`JSON` makes one object of each line of the log, with its level and the id of the run."
  type        = string
  default     = "Text"

  validation {
    condition     = contains(["Text", "JSON"], var.log_format)
    error_message = "log_format is Text or JSON."
  }
}

variable "logging_level" {
  description = "What the rule logs: this level and those above."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.logging_level)
    error_message = "logging_level is DEBUG, INFO, WARNING or ERROR."
  }
}

variable "reader_threads" {
  description = "Calls that a scheduled run has under way at once."
  type        = number
  default     = 16

  validation {
    condition     = var.reader_threads >= 1 && var.reader_threads <= 64
    error_message = "reader_threads is between 1 and 64."
  }
}

variable "alarm_topic_arn" {
  description = "SNS topic that hears of the alarms; blank for alarms that show in CloudWatch only."
  type        = string
  default     = ""
}

variable "schedule_frequency" {
  description = "How often all keys are judged."
  type        = string
  default     = "TwentyFour_Hours"

  validation {
    condition = contains(
      ["One_Hour", "Three_Hours", "Six_Hours", "Twelve_Hours", "TwentyFour_Hours"], var.schedule_frequency
    )
    error_message = "schedule_frequency is One_Hour, Three_Hours, Six_Hours, Twelve_Hours or TwentyFour_Hours."
  }
}

variable "watch_aliases" {
  description = "Whether the rule runs for a changed alias too, so that CMK_Whitelist and alias names are judged before the next scheduled run. The recorder must record AWS::KMS::Alias."
  type        = bool
  default     = false
}

# The rule's own parameters. Written as JSON, they have at most 1,024 characters together.

variable "cmk_whitelist" {
  description = "CMK_Whitelist of the rule: comma-separated alias patterns, such as `Otter*`."
  type        = string
  default     = ""

  validation {
    condition     = var.cmk_whitelist == "" || can(regex("^[^\"\\\\]*[^\"\\\\\\s][^\"\\\\]*$", var.cmk_whitelist))
    error_message = "cmk_whitelist is blank or holds patterns without quotation marks and backslashes."
  }
}

variable "admin_user_id" {
  description = "Admin_User_Id of the rule: comma-separated user id patterns of the key administrators, such as `AROAOTTER*`."
  type        = string

  validation {
    condition     = can(regex("^[^\"\\\\]*[^\"\\\\\\s,][^\"\\\\]*$", var.admin_user_id))
    error_message = "admin_user_id needs at least one pattern, without quotation marks and backslashes."
  }
}

variable "strict_separation_of_duties" {
  description = "StrictSeparationOfDuties of the rule."
  type        = bool
  default     = false
}

variable "separate_duties_by" {
  description = "SeparateDutiesBy of the rule."
  type        = string
  default     = "Policy"

  validation {
    condition     = contains(["Policy", "User"], var.separate_duties_by)
    error_message = "separate_duties_by is Policy or User."
  }
}

variable "report_resource_as" {
  description = "ReportResourceAs of the rule."
  type        = string
  default     = "Alias"

  validation {
    condition     = contains(["Alias", "KeyId"], var.report_resource_as)
    error_message = "report_resource_as is Alias or KeyId."
  }
}

variable "read_keys_from" {
  description = "ReadKeysFrom of the rule."
  type        = string
  default     = "KMS"

  validation {
    condition     = contains(["KMS", "Config"], var.read_keys_from)
    error_message = "read_keys_from is KMS or Config."
  }
}

variable "execution_role_name" {
  description = "ExecutionRoleName of the rule: a role of this account, with its path if it has one, to read keys and report with instead of the function's own; the module member-role makes such a role."
  type        = string
  default     = ""

  validation {
    condition     = var.execution_role_name == "" || can(regex("^[A-Za-z0-9_+=,.@-][A-Za-z0-9_+=,.@/-]*$", var.execution_role_name))
    error_message = "execution_role_name is blank or the name of a role, with its path but no slash in front."
  }
}
