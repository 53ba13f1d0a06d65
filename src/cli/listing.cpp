#include "src/cli/listing.h"

#include <algorithm>

#include "src/report/json_text.h"
#include "src/report/results.h"
#include "src/report/words.h"

namespace gd::cli {

namespace {

std::string as_text(const Table& t, unsigned width) {
  const std::size_t last = t.columns.size() - 1;
  std::vector<std::size_t> widths(last, 0);
  std::size_t indent = 0;
  for (std::size_t c = 0; c < last; ++c) {
    for (const auto& row : t.rows) widths[c] = std::max(widths[c], report::columns_of(row[c]));
    widths[c] = std::min<std::size_t>(widths[c], 40);
    indent += widths[c] + 2;
  }
  std::string out;
  for (const auto& row : t.rows) {
    std::string line;
    for (std::size_t c = 0; c < last; ++c) line += report::pad_right(row[c], widths[c]) + "  ";
    if (width == 0) {
      out += line + row[last] + "\n";
      continue;
    }
    // Wrapped alone, so that the columns before keep their blanks.
    const std::size_t room = std::max<std::size_t>(40, width > indent ? width - indent : 0);
    std::string rest = report::wrap(row[last], room, 0);
    if (!rest.empty()) rest.pop_back();
    for (std::size_t at = 0; (at = rest.find('\n', at)) != std::string::npos; at += indent + 1) rest.insert(at + 1, indent, ' ');
    line += rest;
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string as_json(const Table& t) {
  report::JsonText j;
  j.open('{').key("schema").count(report::kSchema).key(t.name).open('[');
  for (const auto& row : t.rows) {
    j.open('{', report::JsonText::flat);
    for (std::size_t c = 0; c < t.columns.size(); ++c) j.key(t.columns[c]).string(row[c]);
    j.close();
  }
  return j.close().close().text();
}

std::string as_csv(const Table& t) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i) out += (i ? "," : "") + report::csv_field(cells[i]);
    return out + "\n";
  };
  std::string out = line(t.columns);
  for (const auto& row : t.rows) out += line(row);
  return out;
}

std::string as_markdown(const Table& t) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string out = "|";
    for (const std::string& c : cells) out += " " + report::markdown_cell(c) + " |";
    return out + "\n";
  };
  std::string out = line(t.columns) + line(std::vector<std::string>(t.columns.size(), "---"));
  for (const auto& row : t.rows) out += line(row);
  return out;
}

}  // namespace

std::string table_text(const Table& t, Format f, unsigned width) {
  switch (f) {
    case Format::json: return as_json(t);
    case Format::csv: return as_csv(t);
    case Format::markdown: return as_markdown(t);
    case Format::text: break;
  }
  return as_text(t, width);
}

}  // namespace gd::cli
