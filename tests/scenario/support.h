// Helpers of the scenario tests: loading text without touching files, and the first mistake's text.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "src/scenario/loader.h"

namespace gd::scenario {

inline LoadOptions without_files() {
  LoadOptions o;
  o.read_inputs = false;
  return o;
}

inline Scenario from(const std::string& text, LoadOptions o = without_files()) { return load_text(text, "t.json", o); }

// The message of the ScenarioError, or "" when the text loads.
inline std::string mistake(const std::string& text, LoadOptions o = without_files()) {
  try {
    load_text(text, "t.json", o);
  } catch (const ScenarioError& e) {
    return e.what();
  }
  return "";
}

// A folder of its own, removed at the end.
struct Folder {
  Folder();
  ~Folder();
  std::string write(const std::string& name, const std::string& text) const;   // the file's path
  std::string path;
};

}  // namespace gd::scenario
