// What a starting dispatcher does about the children of its predecessor: it adopts those that live and starts
// those that are missing.
//
// Every child that still lives is adopted, also more than are wanted: they have clients, and the scaler
// drains what is not needed. Missing children are started at addresses that no living child holds.
#pragma once

#include "dispatcher/core/persistent_state.hpp"
#include "wire/result.hpp"

#include <functional>

namespace stadion::dispatcher {

struct wanted_children {
    std::uint32_t front_ends = 3;
    std::string host = "127.0.0.1";
    std::uint16_t front_end_port = 7401; // of the first, the next ones count up; 0 for any free port
    bool database = true;                // false: it runs elsewhere and joins by itself
    std::string database_address = "127.0.0.1:7500";
    // Whether no other program holds the address. Empty: all are free.
    std::function<bool(const std::string& address)> is_free = {};
};

struct adoption_plan {
    std::vector<child_record> adopt;
    std::vector<child_record> start; // pid and born are 0: they do not run yet
};

// `recorded` are the children in dispatcher.json; `lives` tells whether a process is still the recorded one.
// FAILED_PRECONDITION if another program holds the database server's address, for which there is no other.
wire::result<adoption_plan> plan_adoption(const std::vector<child_record>& recorded,
                                          const wanted_children& wanted,
                                          const std::function<bool(const child_record&)>& lives);

// The lowest address from the wanted port up that neither a child nor another program holds. The scaler uses
// it too.
std::string free_front_end_address(const std::vector<child_record>& children, const wanted_children& wanted);

} // namespace stadion::dispatcher
