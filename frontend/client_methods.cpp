#include "frontend/client_methods.hpp"

#include "net/board/board_lists.hpp"
#include "wire/proto/frontend.pb.h"

namespace stadion::frontend {
namespace {

std::string attachment_name(const std::string& client_id) { return "client/" + client_id; }

} // namespace

void add_client_methods(net::server& to, registrations& clients, net::board_set& boards,
                        raffle_service& raffle) {
    to.rpc().on<v1::RegisterClientRequest>(
        "FrontEnd", "RegisterClient", net::anyone,
        [&to, &clients, &boards, &raffle](const v1::RegisterClientRequest& request,
                                          net::call& one) -> wire::result<v1::RegisterClientResponse> {
            const auto& board = boards.of(one.home());
            if (!board.is_filled()) return net::not_filled();
            auto added = clients.add(request.client_id(), request.ticket());
            if (!added) return added.error();
            one.link().attachments()[attachment_name(request.client_id())] = std::move(*added);
            raffle.count(one, request.client_id());
            v1::RegisterClientResponse response;
            response.set_server_id(to.context().server_id);
            response.set_clients(clients.clients());
            response.set_sequence(board.board(net::board_view::shown).sequence());
            response.set_board(board.board_id());
            response.set_next_request(raffle.next_request(request.client_id()));
            return response;
        });
    to.rpc().on<v1::UnregisterClientRequest>(
        "FrontEnd", "UnregisterClient", net::anyone,
        [](const v1::UnregisterClientRequest& request,
           net::call& one) -> wire::result<v1::UnregisterClientResponse> {
            one.watch_requests(nullptr);
            if (one.link().attachments().erase(attachment_name(request.client_id())) == 0)
                return wire::make_error(wire::status::not_found,
                                        "no client is registered on this connection as " +
                                            request.client_id());
            return v1::UnregisterClientResponse();
        });
}

} // namespace stadion::frontend
