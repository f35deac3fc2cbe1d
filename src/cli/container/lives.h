// SPDX-License-Identifier: Apache-2.0
//
// A container's history, for people and for programs.
#pragma once

#include <ostream>
#include <vector>

#include "catalog/catalog.h"
#include "host/filling.h"

namespace reprise::cli {

void print_lives(std::ostream& out, const std::vector<catalog::LifeRow>& history);
void print_lives_json(std::ostream& out, const std::vector<catalog::LifeRow>& history,
                      const std::vector<host::UnderWay>& fillings);

}  // namespace reprise::cli
