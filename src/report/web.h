// Scripts and style of the HTML pages: the files of src/report/web, embedded when the program is built. All are guestdma's own,
// under its licence; no library is used, and a page fetches nothing.
#pragma once

namespace gd::report::web {

extern const char* const base_js;         // data block, tables, hovering, keyboard
extern const char* const charts_js;       // bars, lines, dots
extern const char* const comparison_js;   // the page of run and compare
extern const char* const sweep_js;        // those of sweep and fidelity; begins to draw, so it comes last
extern const char* const report_css;

}  // namespace gd::report::web
