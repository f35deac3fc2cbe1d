// SPDX-License-Identifier: Apache-2.0
#include "runtime/runtime.h"

#include <array>
#include <cstdio>
#include <span>
#include <string_view>
#include <utility>

#include "config/config.h"
#include "host/layout.h"
#include "runtime/call.h"

namespace reprise::runtime {

namespace {

// A mistake in the file must not keep containers from running that have nothing to do with us: it
// is told, the worker refuses its session, and everything else goes on.
config::Config configure(const sys::Environment& environment) {
  auto config = config::load(environment);
  if (config) return std::move(*config);
  std::fprintf(stderr, "reprise-runtime: warning: %s\n", config.error().message().c_str());
  return {};
}

}  // namespace

int run_runtime(int argc, char** argv, const sys::Environment& environment) {
  store::StoreConfig store = config::store_config(configure(environment), environment);
  const Call call{.arguments = Arguments::parse(std::span(argv, static_cast<std::size_t>(argc))),
                  .layout = host::Layout::of(store.root, environment),
                  .store = std::move(store)};
  using Handler = int (*)(const Call&);
  constexpr std::array<std::pair<std::string_view, Handler>, 8> kHandlers = {{
      {"create", create},
      {"start", start},
      {"exec", execute},
      {"state", state},
      {"kill", kill},
      {"pause", pause_or_resume},
      {"resume", pause_or_resume},
      {"delete", remove},
  }};
  for (const auto& [verb, handler] : kHandlers)
    if (call.arguments.verb == verb && !call.arguments.has_flag("help")) return handler(call);
  return pass_through(call);
}

}  // namespace reprise::runtime
