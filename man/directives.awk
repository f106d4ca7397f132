# man/directives.awk - turns the table of `server --directives` into paragraphs of server.conf(5).
#
# Lines are `name TAB contexts TAB arguments TAB help`, and are sorted here, so that the page does not depend on the
# order of the modules.

function escaped(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    return text
}

{
    arguments = $3 == "" ? "" : " \\fI" escaped($3) "\\fP"
    print ".TP"
    print "\\fB" escaped($1) "\\fP" arguments
    print "\\&" escaped($4)
    print ".br"
    print "Context: " escaped($2) "."
}
