// SPDX-License-Identifier: Apache-2.0
//
// Lists of containers, for people and for programs.
#pragma once

#include <ostream>
#include <vector>

#include "base/clock.h"
#include "operations/container/container_list.h"

namespace reprise::cli {

using operations::ListedContainer;

void print_ps(std::ostream& out, const std::vector<ListedContainer>& rows, base::UnixMillis now);
void print_ps_json(std::ostream& out, const std::vector<ListedContainer>& rows);

}  // namespace reprise::cli
