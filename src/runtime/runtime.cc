// SPDX-License-Identifier: Apache-2.0
#include "runtime/runtime.h"

#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "runtime/call.h"

namespace reprise::runtime {

int run_runtime(int argc, char** argv) {
  const Call call{.arguments = Arguments::parse(std::span(argv, static_cast<std::size_t>(argc))),
                  .layout = container::Layout::from_environment()};
  using Handler = int (*)(const Call&);
  constexpr std::array<std::pair<std::string_view, Handler>, 5> kHandlers = {{
      {"create", create},
      {"start", start},
      {"state", state},
      {"kill", kill},
      {"delete", remove},
  }};
  for (const auto& [verb, handler] : kHandlers)
    if (call.arguments.verb == verb && !call.arguments.has_flag("help")) return handler(call);
  return pass_through(call);
}

}  // namespace reprise::runtime
