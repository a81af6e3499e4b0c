#include "dispatcher/core/adoption.hpp"

#include <algorithm>

namespace stadion::dispatcher {
namespace {

auto count_kind(const std::vector<child_record>& children, std::string_view kind) {
    return std::count_if(children.begin(), children.end(),
                         [&](const child_record& child) { return child.kind == kind; });
}

bool is_free(const wanted_children& wanted, const std::string& address) {
    return !wanted.is_free || wanted.is_free(address);
}

} // namespace

wire::result<adoption_plan> plan_adoption(const std::vector<child_record>& recorded,
                                          const wanted_children& wanted,
                                          const std::function<bool(const child_record&)>& lives) {
    adoption_plan plan;
    std::copy_if(recorded.begin(), recorded.end(), std::back_inserter(plan.adopt), lives);

    std::vector<child_record> fleet = plan.adopt;
    const auto start = [&](std::string kind, std::string address) {
        plan.start.push_back({std::move(kind), std::move(address), 0, 0});
        fleet.push_back(plan.start.back());
    };
    if (wanted.database && count_kind(fleet, "dbserver") == 0) {
        if (!is_free(wanted, wanted.database_address))
            return wire::make_error(wire::status::failed_precondition,
                                    "cannot start the database server: another program holds " +
                                        wanted.database_address +
                                        "; stop it, or choose another port with --db-port");
        start("dbserver", wanted.database_address);
    }
    for (auto running = count_kind(fleet, "frontend"); running < wanted.front_ends; ++running)
        start("frontend", free_front_end_address(fleet, wanted));
    return plan;
}

std::string free_front_end_address(const std::vector<child_record>& children, const wanted_children& wanted) {
    const auto address_of = [&](unsigned port) { return wanted.host + ':' + std::to_string(port); };
    if (wanted.front_end_port == 0) return address_of(0);
    for (unsigned port = wanted.front_end_port; port <= 65535; ++port) {
        std::string address = address_of(port);
        const bool held = std::any_of(children.begin(), children.end(),
                                      [&](const child_record& child) { return child.address == address; });
        if (!held && is_free(wanted, address)) return address;
    }
    return address_of(0);
}

} // namespace stadion::dispatcher
