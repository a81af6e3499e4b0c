// How a server changes the board: the database server by its store, a front-end by a request to the database
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

    // Called on the worker `home`. `done` is called once, on the same worker, within about the budget.
    virtual void write(worker& home, v1::Mutation mutation, std::chrono::milliseconds budget,
                       handler done) = 0;
};

// Success for an outcome that was applied, now or before; otherwise its error.
wire::result<void> to_result(const v1::Outcome& outcome);

} // namespace stadion::net
