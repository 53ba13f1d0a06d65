#include "tests/matrix/covering.h"

namespace gd::test {
PairIndex::PairIndex(std::vector<std::size_t> sizes) : sizes_(std::move(sizes)) {
  for (std::size_t a = 0; a < sizes_.size(); ++a)
    for (std::size_t b = a + 1; b < sizes_.size(); ++b) {
      first_.push_back(count_);
      count_ += sizes_[a] * sizes_[b];
    }
}

std::vector<Row> all_rows(const std::vector<std::size_t>& sizes) {
  std::vector<Row> rows = {Row{}};
  for (std::size_t size : sizes) {
    std::vector<Row> longer;
    longer.reserve(rows.size() * size);
    for (const Row& row : rows)
      for (std::size_t v = 0; v < size; ++v) {
        longer.push_back(row);
        longer.back().push_back(static_cast<std::uint8_t>(v));
      }
    rows = std::move(longer);
  }
  return rows;
}

std::vector<ValuePair> all_pairs(const std::vector<std::size_t>& sizes) {
  std::vector<ValuePair> pairs;
  for (std::size_t a = 0; a < sizes.size(); ++a)
    for (std::size_t b = a + 1; b < sizes.size(); ++b)
      for (std::size_t va = 0; va < sizes[a]; ++va)
        for (std::size_t vb = 0; vb < sizes[b]; ++vb) pairs.push_back({a, va, b, vb});
  return pairs;
}

bool holds(const Row& row, const ValuePair& p) { return row[p.a] == p.va && row[p.b] == p.vb; }

Covering cover_pairs(const std::vector<std::size_t>& sizes, std::vector<Row> candidates,
                     const std::function<bool(const Row&)>& admissible) {
  const PairIndex index(sizes);
  std::vector<char> covered(index.count(), 0);
  Covering out;
  out.pairs = index.count();
  for (;;) {
    // Candidates that would add nothing leave: the set of covered pairs only grows.
    std::size_t best = 0, most = 0, kept = 0;
    for (Row& row : candidates) {
      std::size_t fresh = 0;
      index.each(row, [&](std::size_t p) { fresh += covered[p] ? 0 : 1; });
      if (fresh == 0) continue;
      if (fresh > most) {
        most = fresh;
        best = kept;
      }
      if (&candidates[kept] != &row) candidates[kept] = std::move(row);
      ++kept;
    }
    candidates.resize(kept);
    if (kept == 0) break;
    const Row chosen = std::move(candidates[best]);
    candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(best));
    if (!admissible(chosen)) continue;
    index.each(chosen, [&](std::size_t p) { covered[p] = 1; });
    out.rows.push_back(chosen);
  }
  const std::vector<ValuePair> pairs = all_pairs(sizes);
  for (std::size_t p = 0; p < pairs.size(); ++p)
    if (!covered[p]) out.impossible.push_back(pairs[p]);
  return out;
}

}  // namespace gd::test
