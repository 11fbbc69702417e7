variable "name" { default = "shop" }
variable "secret" {
  default   = "s3cret"
  sensitive = true
}
variable "sizes" {
  type    = map(number)
  default = { small = 1, large = 8 }
}
variable "tags" {
  default = { team = "payments", stage = "prod" }
}
variable "zones" { default = ["a", "b", "c"] }

locals {
  prefix  = "${var.name}-${upper(var.tags.stage)}"
  doubled = { for key, value in var.sizes : key => value * 2 }
  nested  = { list = [1, 2, { deep = "yes" }], "quoted key" = true }
  chain_a = local.chain_b
  chain_b = local.chain_c
  chain_c = var.name
}

output "literal_text" { value = "a\tb \"quoted\" $${not} %%{neither} \u00e9" }
output "literal_numbers" { value = [0, 1, -2, 1.5, 1.0e3, 100000000] }
output "literal_words" { value = [true, false, null] }
output "template" { value = "${local.prefix}/${var.sizes.large}/${true}" }
output "template_alone" { value = "${var.sizes}" }
output "index" { value = [var.zones[1], var.tags["team"], local.nested.list[2].deep, local.nested["quoted key"]] }
output "arithmetic" { value = [1 + 2 * 3, (1 + 2) * 3, 7 / 2, 8 / 2, 7 % 3, -var.sizes.small, 10 - 4 - 3] }
output "comparison" { value = [1 < 2, 2 <= 2, 3 > 4, 4 >= 5, "a" == "a", "a" != "b", 1 == 1.0, "1" == 1] }
output "logic" { value = [true && false, true || false, !true, !(1 > 2), true && !false] }
output "conditional" { value = [var.name == "shop" ? "yes" : "no", false ? 1 : 2] }
output "for_list" { value = [for zone in var.zones : "eu-west-1${zone}" if zone != "b"] }
output "for_index" { value = [for index, zone in var.zones : "${index}${zone}"] }
output "for_map" { value = { for zone in var.zones : zone => upper(zone) } }
output "for_object" { value = local.doubled }
output "objects" { value = { a = 1, "b" : 2, (var.name) = 3, "${var.name}-x" = 4 } }
output "merge" { value = merge(var.tags, { team = "other", new = "x" }) }
output "concat" { value = concat(var.zones, ["d"], []) }
output "flatten" { value = flatten([["a", ["b"]], [], ["c"]]) }
output "texts" { value = [lower("AbC"), title("hello world"), trimspace("  x "), replace("a-b-c", "-", "_"), trimprefix("v1.2", "v"), trimsuffix("a.tf", ".tf"), substr("hello", 1, 3), join(",", var.zones), format("%s-%03d", "x", 7), strrev("abc")] }
output "format" { value = format("%s has %d of %v", var.name, 3, 1.5) }
output "split" { value = split(",", "a,b,,c") }
output "numbers" { value = [max(1, 5, 3), min(4, 2), abs(-3), ceil(1.2), floor(1.8), length(var.zones), length("abc"), length(var.tags)] }
output "conversion" { value = [tostring(5), tonumber("7"), tobool("true"), tostring(true)] }
output "collections" { value = [keys(var.tags), values(var.tags), sort(["b", "a"]), reverse(["x", "y"]), distinct(["a", "a", "b"])] }
output "lookups" { value = [lookup(var.tags, "team", "none"), lookup(var.tags, "absent", "none"), element(var.zones, 4), contains(var.zones, "b"), coalesce("", "x"), try(var.tags.team, "none")] }
output "set" { value = toset(["b", "a", "b"]) }
output "json" { value = jsondecode("{\"a\": [1, true, null]}") }
output "chain" { value = local.chain_a }
output "heredoc" {
  value = <<EOT
one
  two ${var.name}
EOT
}
output "heredoc_indented" {
  value = <<-EOT
    one
      two ${var.sizes.small}

    three
  EOT
}
output "bounds" { value = [startswith("abc", "ab"), endswith("abc", "bc"), substr("abc", -2, -1)] }
output "hidden" {
  value     = var.secret
  sensitive = true
}
