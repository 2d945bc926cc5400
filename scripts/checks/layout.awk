# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scripts/checks/layout finds, a line each.  The first file is the table of who
# uses which member, scripts/checks/cache-lines; the second one has the members that
# there are: struct, member, offset and size.

/^(#|$)/			{ next }
FILENAME == ARGV[1]		{ read_rule(); next }
				{ read_member() }
END {
	for (i = 1; i <= members; i++)
		class[i] = class_of(struct[i], member[i])
	judge_neighbours()
	judge_lines()
	judge_names()
}

function read_rule(    i, from)
{
	if ($2 == "size") {
		size[$1] = $3
		return
	}
	from = 3
	if ($2 == "lines") {
		most[$1] = $3
		from = 4
	}
	for (i = from; i <= NF; i++) {
		rule_struct[++rules] = $1
		rule_class[rules] = $2
		rule_name[rules] = $i
		gsub(/\./, "\\.", $i)
		gsub(/\*/, ".*", $i)
		rule_member[rules] = "^" $i "$"
	}
}

function read_member()
{
	struct[++members] = $1
	member[members] = $2
	first[members] = int($3 / 64)
	last[members] = int(($3 + $4 - 1) / 64)
	if ($1 in size && $3 + $4 > size[$1] && !large[$1]++)
		printf "%s: it is larger than %d bytes\n", $1, size[$1]
}

function class_of(s, m,    i)
{
	for (i = 1; i <= rules; i++)
		if (s == rule_struct[i] && rule_class[i] != "lines" &&
		    m ~ rule_member[i])
			return rule_class[i]
	return ""
}

# What each packet reads on the lines of a member, " NAME" for each
function readers_beside(j,    i, names)
{
	for (i = 1; i <= members; i++)
		if (class[i] == "packet" && struct[i] == struct[j] &&
		    first[i] <= last[j] && first[j] <= last[i])
			names = names " " member[i]
	return names
}

function judge_neighbours(    j, readers, what)
{
	for (j = 1; j <= members; j++) {
		if (class[j] ~ /^(packet|rare|inside)$/)
			continue
		readers = readers_beside(j)
		if (!readers)
			continue
		what = class[j] == "conn" ? "connections write" : \
			"scripts/checks/cache-lines does not name"
		printf "%s: %s, which %s, is on a line with%s\n",
			struct[j], member[j], what, readers
	}
}

# How many lines the members of a class "lines" are on
function lines_of(s,    i, j, l, on, count)
{
	for (i = 1; i <= rules; i++)
		for (j = 1; j <= members; j++)
			if (rule_class[i] == "lines" && rule_struct[i] == s &&
			    struct[j] == s && member[j] ~ rule_member[i])
				for (l = first[j]; l <= last[j]; l++)
					on[l] = 1
	for (l in on)
		count++
	return count + 0
}

function judge_lines(    s)
{
	for (s in most)
		if (lines_of(s) > most[s])
			printf "%s: a pass touches more than %d lines\n", s, most[s]
}

# Does the table speak of what is there?
function judge_names(    i, j, found)
{
	for (i = 1; i <= rules; i++) {
		if (rule_class[i] !~ /^(packet|rare|conn|inside|lines)$/)
			printf "%s: no class %s\n", rule_struct[i], rule_class[i]
		found = rule_class[i] == "rare"
		for (j = 1; j <= members && !found; j++)
			found = struct[j] == rule_struct[i] &&
				member[j] ~ rule_member[i]
		if (!found)
			printf "%s: there is no %s\n", rule_struct[i], rule_name[i]
	}
}
