// One search: what it has seen at which value, and what that amounts to.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "src/cli/bisection.h"
#include "src/report/sweep.h"
#include "src/system/result.h"

namespace gd::cli {

class SearchTask {
 public:
  // `label`: the strategy whose line is searched, or the first of a pair; `other`: the second of a pair.
  SearchTask(const scenario::SweepSearch& search, std::size_t point, std::string label, std::string other = {});

  std::size_t point() const { return point_; }
  // Whose runs it needs at each value.
  const std::vector<std::string>& labels() const { return labels_; }
  // Empty when it is done.
  std::vector<std::uint64_t> wanted() const;

  // What was measured at a value: for each seed the runs of labels().
  void learn(std::uint64_t value, const std::vector<std::vector<system::RunResult>>& by_seed);
  // A value at which it cannot be known; the search ends.
  void give_up(const std::string& outcome, const std::string& why);

  // `set` of the point, index and seed of the run at the value found are the caller's to add.
  report::SearchResult result() const;
  // The value whose run stands for the answer; nothing without one.
  std::optional<std::uint64_t> answer() const;

 private:
  struct Seen { std::string detail; double first = 0, second = 0; };   // in words; means of a pair
  std::string shown(std::uint64_t value) const;
  std::string pair_at(std::uint64_t value) const;
  std::string lower(int state) const;
  void conclude_line(report::SearchResult& r, const std::vector<Change>& all) const;
  void conclude_pair(report::SearchResult& r, const std::vector<Change>& all) const;
  Seek seek() const;

  const scenario::SweepSearch& search_;
  std::size_t point_;
  std::vector<std::string> labels_;
  std::string label_, other_, given_up_, why_;
  Known known_;
  std::map<std::uint64_t, Seen> seen_;
};

}  // namespace gd::cli
