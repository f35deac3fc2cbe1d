// SPDX-License-Identifier: Apache-2.0
//
// Containers whose memory is still filled in after a restore, as commands tell of them.
#pragma once

#include <functional>
#include <vector>

#include "cli/command.h"
#include "cli/json.h"
#include "host/filling.h"

namespace reprise::cli {

Json to_json(const host::FillingProgress& progress);
// With whose memory it is, and from which checkpoint it comes.
Json to_json(const std::vector<host::UnderWay>& fillings);
// "container c1 is filling: 3 of 4 MiB are missing", a line each.
void print_fillings(std::ostream& out, const std::vector<host::UnderWay>& fillings);

// Those that `concern`. Where they cannot be read, a warning says so, and there are none.
std::vector<host::UnderWay> find_fillings(
    Context& context, const std::function<bool(const host::WorkerRequest&)>& concern);

}  // namespace reprise::cli
