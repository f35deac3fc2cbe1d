// SPDX-License-Identifier: Apache-2.0
//
// What an agent counts and measures, and how it tells it: in the text format of Prometheus.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reprise::daemon {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// For any number of threads. `name` is one of those that text() describes. Values of labels are
// from small sets: no names of pods.
class Metrics {
 public:
  void add(std::string_view name, Labels labels, double by = 1);
  void set(std::string_view name, Labels labels, double value);
  // Forgets all values of `name`, of which the next text has those only that are set anew.
  void clear(std::string_view name);
  void observe(std::string_view name, Labels labels, double seconds);
  // The exposition: HELP, TYPE and values of all that there are.
  [[nodiscard]] std::string text() const;

 private:
  // Upper bounds in seconds; one that is longer is in none of them.
  static constexpr std::array kBounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                      1.0,   2.5,  5.0,   10.0, 30., 60.,  120.};
  struct Histogram {
    std::array<std::uint64_t, kBounds.size()> counts{};
    std::uint64_t count = 0;
    double sum = 0;
  };
  static void write(std::string& text, std::string_view name, const std::string& labels,
                    const Histogram& histogram);

  mutable std::mutex lock_;
  // By name, and by labels as they are written.
  std::map<std::string, std::map<std::string, double>, std::less<>> values_;
  std::map<std::string, std::map<std::string, Histogram>, std::less<>> histograms_;
};

}  // namespace reprise::daemon
