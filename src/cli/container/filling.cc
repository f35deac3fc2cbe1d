// SPDX-License-Identifier: Apache-2.0
#include "cli/container/filling.h"

#include <utility>

#include "operations/container/containers.h"

namespace reprise::cli {

Json to_json(const host::FillingProgress& progress) {
  return {{"missing_bytes", progress.missing},
          {"filled_bytes", progress.filled},
          {"trouble", progress.trouble}};
}

Json to_json(const std::vector<host::UnderWay>& fillings) {
  Json all = Json::array();
  for (const host::UnderWay& one : fillings) {
    Json told{{"container", one.request.container.str()},
              {"checkpoint", one.request.restore().checkpoint.str()}};
    told.update(to_json(one.progress));
    all.push_back(std::move(told));
  }
  return all;
}

void print_fillings(std::ostream& out, const std::vector<host::UnderWay>& fillings) {
  for (const host::UnderWay& one : fillings)
    out << "container " << operations::short_id(one.request.container.str())
        << " is filling: " << host::describe(one.progress) << '\n';
}

std::vector<host::UnderWay> find_fillings(
    Context& context, const std::function<bool(const host::WorkerRequest&)>& concern) {
  auto fillings = host::fillings(context.node.layout);
  if (!fillings) {
    context.io.err << "warning: what is still filling is not known: " << fillings.error().message()
                   << '\n';
    return {};
  }
  std::erase_if(*fillings, [&](const host::UnderWay& one) { return !concern(one.request); });
  return std::move(*fillings);
}

}  // namespace reprise::cli
