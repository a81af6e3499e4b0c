// What a starting dispatcher does about the children its predecessor left: adopt the living, start the rest.
//
// Every child that still lives is adopted, also one more than is wanted: it has clients, and the scaler
// drains it when it is not needed. What is missing is started, at addresses no living child holds.
#pragma once

#include "dispatcher/core/memory.hpp"
#include "wire/result.hpp"

#include <functional>

namespace stadion::dispatcher {

struct wanted_children {
    std::uint32_t front_ends = 3;
    std::string host = "127.0.0.1";
    std::uint16_t front_end_port = 7401; // of the first, the next ones count up; 0 for any free port
    bool database = true;                // false: it runs elsewhere and joins by itself
    std::string database_address = "127.0.0.1:7500";
    std::function<bool(const std::string& address)> is_free = {}; // of other programs; empty: all are
};

struct adoption_plan {
    std::vector<child_record> adopt;
    std::vector<child_record> start; // pid and born are 0: they do not run yet
};

// FAILED_PRECONDITION when another program holds the database server's address, which does not count up.
// `lives` says whether the process is still the one recorded.
wire::result<adoption_plan> plan_adoption(const std::vector<child_record>& remembered,
                                          const wanted_children& wanted,
                                          const std::function<bool(const child_record&)>& lives);

// The lowest address from the wanted port up that neither a child nor another program holds; for the scaler's
// next one too.
std::string free_front_end_address(const std::vector<child_record>& children, const wanted_children& wanted);

} // namespace stadion::dispatcher
