// How a server changes the board: the database server by its store, a front-end by asking the database
// server. The methods and paths that write are the same on both (board_rpc.hpp, board_http.hpp).
#pragma once

#include "net/loop/runtime.hpp"
#include "wire/proto/database.pb.h"
#include "wire/result.hpp"

#include <functional>

namespace stadion::net {

class board_writer {
public:
    using handler = std::function<void(v1::Outcome)>;

    virtual ~board_writer() = default;

    // Called on a worker; `done` is called once, on the same worker, within about the budget.
    virtual void write(worker& home, v1::Mutation mutation, std::chrono::milliseconds budget,
                       handler done) = 0;
};

// Nothing for an outcome with a state, else why there is none.
wire::result<void> to_result(const v1::Outcome& outcome);

} // namespace stadion::net
