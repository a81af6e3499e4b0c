// The database server's part in its fleet: whether it may write (write_grant.hpp), and which board it holds
// (board_file.hpp).
//
// The dispatcher, when this server joins, and a replica, when it reconnects, say how much of the board they
// have seen. When they have seen more than there is, the store has lost commits without noticing. Then the
// board gets a new number, and everybody who follows it begins anew. Only servers are believed.
//
// Threading: `may_commit` and `may_watch` on any worker, the rest on `home` or before the server listens.
#pragma once

#include "dbserver/server/board_file.hpp"
#include "dbserver/server/write_grant.hpp"
#include "net/board/board_set.hpp"
#include "net/server/membership.hpp"
#include "net/server/server.hpp"
#include "wire/proto/database.pb.h"

#include <memory>

namespace stadion::dbserver {

class fleet_driver : public std::enable_shared_from_this<fleet_driver> {
public:
    fleet_driver(net::worker& home, net::board_set& boards, board_file file, bool in_fleet);

    // Adds its fields to /status and its check to /readyz.
    void add_to(net::server& server);
    // Subscribes to what the dispatcher says. Before the member starts.
    void follow(net::membership& member);
    void on_view(const v1::View& view);
    void close();
    // Records the newest sequence before the process ends. No worker may use this any more.
    void note_end();

    wire::position seen() const noexcept { return {board_, boards_.head()}; }

    wire::result<void> may_commit(std::uint64_t writer_epoch) const;
    wire::result<void> may_watch(const v1::WatchRequest& request, net::role_set roles);

private:
    void tick();
    void change_board(std::uint64_t board, std::uint64_t seen);
    void on_refused(const wire::error& why);

    net::worker& home_;
    net::board_set& boards_;
    board_file file_;
    std::atomic<std::uint64_t> board_;
    write_grant grant_;
    std::uint32_t server_id_ = 0;
    std::uint64_t view_number_ = 0;
    std::string refusal_; // why the dispatcher last refused this server
    net::member_deadline<fleet_driver, &fleet_driver::tick> tick_{*this};
};

} // namespace stadion::dbserver
