# Plays Vivado under tclsh: the commands of the generated script, each written down. Any other
# command is an error, as a misspelt one is in Vivado. Usage: tclsh vivado_stand_in.tcl SCRIPT DATA
lassign $argv script data
set calls [open [file join $data calls.txt] w]
proc note {args} { puts $::calls [join $args]; flush $::calls }
proc present {files} {
  foreach file $files { if {![file isfile $file]} { error "cannot read $file" } }
}

proc read_verilog {dialect files} { note read_verilog $dialect; present $files }
proc read_mem {files} {
  note read_mem
  present $files
  foreach file $files {
    if {[file extension $file] ni {.mem .coe .dat}} { error "$file is no memory file" }
  }
}
set severity {CRITICAL WARNING}
proc set_msg_config {id_option id severity_option to} {
  note set_msg_config $id $to
  if {$id eq "Synth 8-4445" && ![file exists [file join $::data deaf]]} { set ::severity $to }
}
# What of a kind there is after synthesis: name and number in turn.
proc get_cells {args} {
  if {[llength $args] == 1} { return $args }
  set file [open [file join $::data cells]]
  set cells [read $file]
  close $file
  set name [lindex [lindex $args end] end]
  if {![dict exists $cells $name]} { return {} }
  return [lrepeat [dict get $cells $name] $name]
}
proc read_xdc {file} { note read_xdc; uplevel #0 source $file }
proc get_pins {name} { note get_pins $name; return $name }
proc create_clock {args} { note create_clock {*}$args }
proc set_false_path {args} { note set_false_path {*}$args }
foreach step {synth_design opt_design place_design phys_opt_design route_design} {
  proc $step {args} "
    note $step {*}\$args
    if {\[file exists \[file join \$::data crash_in_$step\]\]} { error {Abnormal program termination (11)} }
    if {\[file exists \[file join \$::data killed_in_$step\]\]} { exec kill -9 \[pid\] }
    if {\"$step\" eq \"synth_design\"} synthesised
  "
}
proc synthesised {} {
  if {![file exists [file join $::data unread]]} return
  set text {[Synth 8-4445] could not open $readmem data file 'conv0_matrix_00.mem'; please make sure}
  puts "$::severity: $text the file is added to project and has read permission, ignoring"
  if {$::severity eq "ERROR"} { error {Synthesis failed} }
}
proc write_checkpoint {force file} { close [open $file w] }
proc report {kind args} {
  note $kind
  file copy -force [file join $::data $kind] [lindex $args end]
}
proc report_utilization {args} {
  report [expr {"-hierarchical" in $args ? "hierarchy" : "utilisation"}] {*}$args
}
proc report_timing_summary {args} { report timing {*}$args }
proc report_drc {args} { report drc {*}$args }
proc slacks {} {
  set file [open [file join $::data slacks]]
  set found [read $file]
  close $file
  return $found
}
proc get_timing_paths {delay kind most count} {
  if {[dict exists [slacks] $kind]} { return "path_$kind" } else { return {} }
}
proc get_property {name path} { dict get [slacks] [string map {path_ {}} $path] }
proc current_design {} { return chip }
proc set_property {args} { note set_property {*}$args }
proc write_bitstream {force file} {
  note write_bitstream
  file copy -force [file join $::data bit] $file
  if {[file exists [file join $::data killed_while_writing]]} { exec kill -9 [pid] }
}

source $script
