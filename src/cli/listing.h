// Tables of names, in the four formats.
#pragma once
#include <string>
#include <vector>

#include "src/cli/args.h"

namespace gd::cli {

struct Table {
  std::string name;                        // "strategies"; the key of the list in JSON
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

// As text a line each; with `width` the last column is wrapped below itself.
std::string table_text(const Table& table, Format format, unsigned width = 0);

// What `list` knows.
Table list_strategies();
Table list_scenarios();
Table list_scenarios(const std::string& name);   // reads no others
Table list_metrics();
Table list_costs();
Table list_keys();

}  // namespace gd::cli
