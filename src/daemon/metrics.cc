// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics.h"

#include <fmt/format.h>

namespace reprise::daemon {

namespace {

struct Family {
  std::string_view name, type, help;
};
constexpr std::array kFamilies{
    Family{"reprise_sessions_total", "counter",
           "Checkpoints and restores that have ended since the agent started, by what asked for "
           "them."},
    Family{"reprise_session_failures_total", "counter",
           "Those that failed, by the phase they were in."},
    Family{"reprise_session_seconds", "histogram", "How long they took."},
    Family{"reprise_phase_seconds", "histogram",
           "How long each phase of those took that succeeded. The container stands still in dump, "
           "copy-files and seal of a checkpoint."},
    Family{"reprise_checkpoint_bytes_total", "counter", "Bytes that were saved."},
    Family{"reprise_checkpoints", "gauge", "Checkpoint objects of this node's pods, by phase."},
    Family{"reprise_filling_containers", "gauge",
           "Containers that run before all of their memory is there."},
    Family{"reprise_filling_missing_bytes", "gauge", "What they miss."},
    Family{"reprise_answers_total", "counter",
           "What the runtime was answered: whether an ending is a checkpoint, and whether a "
           "container goes on from one."},
    Family{"reprise_api_requests_total", "counter",
           "Requests to the API server, by method and code; code 0 is no answer."},
    Family{"reprise_in_step", "gauge",
           "1 while this agent knows all pods of its node and all Checkpoints."},
    Family{"reprise_build_info", "gauge", "1, with the version as label."},
};

std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n')
      text += "\\n";
    else
      text += c;
  }
  return text;
}

std::string written(Labels labels) {
  std::string text;
  for (const auto& [name, value] : labels)
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(value));
  return text;
}

std::string braced(const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; }

}  // namespace

void Metrics::add(std::string_view name, Labels labels, double by) {
  const std::lock_guard hold(lock_);
  values_[std::string(name)][written(labels)] += by;
}

void Metrics::set(std::string_view name, Labels labels, double value) {
  const std::lock_guard hold(lock_);
  values_[std::string(name)][written(labels)] = value;
}

void Metrics::clear(std::string_view name) {
  const std::lock_guard hold(lock_);
  values_.erase(std::string(name));
}

void Metrics::observe(std::string_view name, Labels labels, double seconds) {
  const std::lock_guard hold(lock_);
  Histogram& histogram = histograms_[std::string(name)][written(labels)];
  for (std::size_t i = 0; i < kBounds.size(); ++i)
    if (seconds <= kBounds[i]) ++histogram.counts[i];
  ++histogram.count;
  histogram.sum += seconds;
}

void Metrics::write(std::string& text, std::string_view name, const std::string& labels,
                    const Histogram& histogram) {
  const std::string more = labels.empty() ? "" : labels + ",";
  for (std::size_t i = 0; i < kBounds.size(); ++i)
    text +=
        fmt::format("{}_bucket{{{}le=\"{}\"}} {}\n", name, more, kBounds[i], histogram.counts[i]);
  text += fmt::format("{}_bucket{{{}le=\"+Inf\"}} {}\n", name, more, histogram.count);
  text += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, braced(labels), histogram.sum, name,
                      braced(labels), histogram.count);
}

std::string Metrics::text() const {
  const std::lock_guard hold(lock_);
  std::string text;
  for (const Family& family : kFamilies) {
    const auto values = values_.find(family.name);
    const auto histograms = histograms_.find(family.name);
    if (values == values_.end() && histograms == histograms_.end()) continue;
    text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", family.name, family.help, family.name,
                        family.type);
    if (values != values_.end())
      for (const auto& [labels, value] : values->second)
        text += fmt::format("{}{} {}\n", family.name, braced(labels), value);
    if (histograms != histograms_.end())
      for (const auto& [labels, histogram] : histograms->second)
        write(text, family.name, labels, histogram);
  }
  return text;
}

}  // namespace reprise::daemon
