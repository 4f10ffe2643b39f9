# Who may do what, for each function a role of its own:
#
#   api, stream, jobs  the functions' roles: their log, their events, and for `api` the keys that belong to no team
#   data               what they become for one team: a session tagged with the team reads and writes that team's keys
#   vaults             what they become on the way to the teams' accounts: it may enter the registered roles
locals {
  # Which partitions each role touches, and how: tests hold it together with what the functions really do.
  item_keys = jsondecode(file("${path.module}/keys.json"))

  # Actions that touch the same partitions share a statement. "ForAllValues" holds where a call names no key at all,
  # as a Scan does, so that there has to be one; and the role of the data reaches nothing without a team.
  item_rules = {
    for role, actions in local.item_keys : role => [
      for partitions, names in { for action, partitions in actions : jsonencode(partitions) => action... } : {
        Effect   = "Allow"
        Action   = [for name in names : "dynamodb:${name}"]
        Resource = aws_dynamodb_table.runhaven.arn
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = jsondecode(partitions) }
          Null                      = { for key in role == "data" ? ["dynamodb:LeadingKeys", "aws:PrincipalTag/team"] : ["dynamodb:LeadingKeys"] : key => "false" }
        }
      }
    ]
  }

  table_key = {
    Sid       = "TheTableIsEncrypted"
    Effect    = "Allow"
    Action    = ["kms:Decrypt", "kms:DescribeKey"]
    Resource  = aws_kms_key.runhaven.arn
    Condition = { StringEquals = { "kms:ViaService" = "dynamodb.${local.region}.${data.aws_partition.here.dns_suffix}" } }
  }
  queue_key = {
    Sid       = "TheQueuesAreEncrypted"
    Effect    = "Allow"
    Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource  = aws_kms_key.runhaven.arn
    Condition = { StringEquals = { "kms:ViaService" = "sqs.${local.region}.${data.aws_partition.here.dns_suffix}" } }
  }

  becoming = [
    {
      Sid       = "BecomeOneTeam"
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Resource  = aws_iam_role.data.arn
      Condition = { Null = { "aws:RequestTag/team" = "false" } }
    },
    {
      Sid      = "EnterVaults"
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = aws_iam_role.vaults.arn
    },
  ]

  function_policies = {
    api = concat(local.item_rules.api, local.becoming, [
      local.table_key,
      {
        Sid      = "Invite"
        Effect   = "Allow"
        Action   = concat(["cognito-idp:ListUsers"], var.identity_provider == null ? ["cognito-idp:AdminCreateUser"] : [])
        Resource = aws_cognito_user_pool.people.arn
      },
    ])
    stream = [
      {
        Sid      = "ReadTheStream"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
        Resource = "${aws_dynamodb_table.runhaven.arn}/stream/*"
      },
      {
        Sid      = "HandOn"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = [aws_sqs_queue.jobs.arn, aws_sqs_queue.lost.arn]
      },
      local.table_key, local.queue_key,
    ]
    jobs = concat(local.becoming, [
      {
        Sid      = "TakeJobs"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility", "sqs:SendMessage"]
        Resource = aws_sqs_queue.jobs.arn
      },
      local.queue_key,
    ])
  }
}

resource "aws_iam_role" "function" {
  for_each             = local.functions
  name                 = "${var.name}-${each.key}"
  description          = "Runhaven's function ${each.key}"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions
  name     = "function"
  role     = aws_iam_role.function[each.key].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.function_policies[each.key], [{
      Sid      = "WriteItsLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.function[each.key].arn}:*"
    }])
  })
}

# A session of this role reaches the keys of the team that its tag names, and of no other.
resource "aws_iam_role" "data" {
  name                 = "${var.name}-data"
  description          = "Runhaven's table, for the team in the session's tag"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "FunctionsForOneTeam"
      Effect    = "Allow"
      Principal = { AWS = [for name in ["api", "jobs"] : aws_iam_role.function[name].arn] }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = {
        Null                        = { "aws:RequestTag/team" = "false" }
        "ForAllValues:StringEquals" = { "aws:TagKeys" = ["team"] }
      }
    }]
  })
}

resource "aws_iam_role_policy" "data" {
  name = "data"
  role = aws_iam_role.data.name

  policy = jsonencode({
    Version = "2012-10-17"
    # A membership, a token or a claim of no team is written in one transaction with the team's own item.
    Statement = concat(local.item_rules.data, [local.table_key])
  })
}

# The one role that the teams' accounts trust, each with an ExternalId of its own.
resource "aws_iam_role" "vaults" {
  name                 = "${var.name}-vaults"
  description          = "Runhaven on its way into the teams' vaults"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Functions"
      Effect    = "Allow"
      Principal = { AWS = [for name in ["api", "jobs"] : aws_iam_role.function[name].arn] }
      Action    = "sts:AssumeRole"
    }]
  })
}

# In this very account a role's trust alone would let it in, whatever is registered: hence the refusal of all others.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
locals {
  roles_here  = [for arn in var.team_roles : arn if split(":", arn)[4] == local.account]
  others_here = length(local.roles_here) > 0 ? jsonencode({ NotResource = local.roles_here }) : jsonencode({ Resource = ["*"] })

  no_others = merge(jsondecode(local.others_here), {
    Sid       = "EnterNoOtherHere"
    Effect    = "Deny"
    Action    = "sts:AssumeRole"
    Condition = { StringEquals = { "aws:ResourceAccount" = local.account } }
  })
  registered = {
    Sid      = "EnterRegisteredRoles"
    Effect   = "Allow"
    Action   = "sts:AssumeRole"
    Resource = var.team_roles
  }
}

resource "aws_iam_role_policy" "vaults" {
  name = "vaults"
  role = aws_iam_role.vaults.name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for rule in [local.registered, local.no_others] : rule if rule.Effect == "Deny" || length(var.team_roles) > 0]
  })
}

locals {
  key_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TheAccountManagesItsKey"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*" # in a key's policy: this key
      },
      {
        Sid       = "Logs"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.${data.aws_partition.here.dns_suffix}" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]
        Resource  = "*"
        Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/*/${var.name}*" } }
      },
      {
        # No condition: AWS shows none for alarms, and one that CloudWatch does not fulfil would silence them all.
        Sid       = "AlarmsToTheTopic"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
      },
      {
        Sid       = "TheBudgetToTheTopic"
        Effect    = "Allow"
        Principal = { Service = "budgets.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
    ]
  }
}
