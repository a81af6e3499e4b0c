#include "net/board/board_rpc.hpp"

#include "net/board/board_lists.hpp"
#include "net/board/topic_limits.hpp"
#include "net/board/wire_stream.hpp"
#include "net/http/idempotency_key.hpp"
#include "wire/encoding.hpp"
#include "wire/proto/frontend.pb.h"

namespace stadion::net {
namespace {

constexpr std::size_t field_head_max = 6; // a tag and a size

// The field to append to an encoded tally, which is stored without its rank.
std::string rank_field(std::uint32_t rank) {
    std::string tail;
    wire::append_field(tail, v1::MedalTally::kRankFieldNumber, rank);
    return tail;
}

void answer_game(const wire::board& board, const std::string& game, reply_sink& to) {
    const auto found = board.find_game(game);
    if (!found) return to.fail(wire::make_error(wire::status::not_found, "no such game: " + game));
    to.reply(found->state_payload());
}

void answer_team(const wire::board& board, const std::string& team, reply_sink& to) {
    const auto found = board.find_team(team);
    if (!found) return to.fail(wire::make_error(wire::status::not_found, "no such team: " + team));
    to.reply(found->state_payload(), rank_field(board.rank_of(team)));
}

// A page as Response, made of what each item is encoded as already: `append(body, item)`.
template <typename Response, typename Items, typename Append>
std::string encoded(const Items& items, std::size_t bytes, const std::string& token, Append append) {
    std::string body;
    body.reserve(bytes + (items.size() + 1) * field_head_max + token.size());
    for (const auto& item : items) append(body, item);
    if (!token.empty()) wire::append_field(body, Response::kNextPageTokenFieldNumber, token);
    return body;
}

std::string encoded(const games_page& page) {
    using response = v1::ListGamesResponse;
    return encoded<response>(page.games, page.bytes, page.next_page_token,
                             [](std::string& body, const auto& game) {
                                 wire::append_field(body, response::kGamesFieldNumber, game->state_payload());
                             });
}

std::string encoded(const teams_page& page) {
    using response = v1::ListTeamsResponse;
    return encoded<response>(page.teams, page.bytes, page.next_page_token,
                             [](std::string& body, const auto& one) {
                                 wire::append_field(body, response::kTeamsFieldNumber,
                                                    one.team->state_payload(), rank_field(one.rank));
                             });
}

void list_games(const wire::board& board, const v1::ListGamesRequest& request, reply_sink& to) {
    std::optional<v1::Score::Status> status;
    if (request.has_status()) status = request.status();
    const auto page =
        page_of_games(board, status, request.page_token(), request.page_size(), page_encoding::protobuf);
    if (!page) return to.fail(page.error());
    to.reply(encoded(*page));
}

void list_teams(const wire::board& board, const v1::ListTeamsRequest& request, reply_sink& to) {
    const auto page =
        page_of_teams(board, request.page_token(), request.page_size(), page_encoding::protobuf);
    if (!page) return to.fail(page.error());
    to.reply(encoded(*page));
}

wire::position seen_by(const v1::Metadata& caller) { return {caller.seen_board(), caller.seen_sequence()}; }

// Answers from the board that `asked` names, once it has reached what the caller has seen. Nearly always at
// once.
template <typename Answer>
void when_seen(call& one, server& at, board_set& boards, v1::BoardView asked, Answer answer) {
    const auto view = choose_view(at.context().access, one.roles(), asked);
    if (!view) return one.fail(view.error());
    auto& live = boards.of(one.home());
    const auto seen = seen_by(one.metadata());
    if (live.is_seen(seen)) return answer(live.board(*view), one);
    if (!live.is_filled()) return one.fail(not_filled());
    auto pending = one.defer();
    if (!pending) return;
    live.when_seen(seen, pending->time_left(),
                   [&live, view = *view, pending, answer](wire::result<void> outcome) {
                       if (outcome) return answer(live.board(view), *pending);
                       pending->fail(outcome.error());
                   });
}

void write(call& one, board_set& boards, board_writer& writer, v1::Mutation mutation) {
    if (auto checked = check_idempotency_key(one.metadata().idempotency_key()); !checked)
        return one.fail(checked.error());
    mutation.set_idempotency_key(one.metadata().idempotency_key());
    mutation.set_caller(caller_name(one.link().peer().address()));
    auto pending = one.defer();
    if (!pending) return;
    auto& live = boards.of(one.home());
    writer.write(one.home(), std::move(mutation), pending->time_left(),
                 [&live, pending](v1::Outcome outcome) {
                     if (auto done = to_result(outcome); !done) return pending->fail(done.error());
                     // The answer waits for this server's board, so that the caller can read its own write.
                     live.when_reached(outcome.sequence(), own_write_within, [&live, pending, outcome](bool) {
                         if (outcome.has_score()) return pending->reply(outcome.score());
                         auto tally = outcome.tally();
                         tally.set_rank(live.board(board_view::live).rank_of(tally.team()));
                         pending->reply(tally);
                     });
                 });
}

void stream(call& one, server& at, board_set& boards, v1::BoardView asked, live_board::request wanted,
            reset_event when) {
    const auto view = choose_view(at.context().access, one.roles(), asked);
    if (!view) return one.fail(view.error());
    if (!boards.of(one.home()).is_filled()) return one.fail(not_filled());
    wanted.view = *view;
    if (auto pending = one.defer()) start_wire_stream(boards, std::move(pending), wanted, when);
}

void add_common(server& to, board_set& boards, board_writer& writer, std::string_view service) {
    auto& rpc = to.rpc();
    rpc.on_encoded(service, "QueryScoreByGame", anyone, [&to, &boards](call& one) {
        v1::QueryScoreByGameRequest request;
        if (!rpc_router::parse(one, request)) return;
        when_seen(one, to, boards, request.view(),
                  [game = request.game()](const wire::board& board, reply_sink& sink) {
                      answer_game(board, game, sink);
                  });
    });
    rpc.on_encoded(service, "QueryMedalTallyByTeam", anyone, [&to, &boards](call& one) {
        v1::QueryMedalTallyByTeamRequest request;
        if (!rpc_router::parse(one, request)) return;
        when_seen(one, to, boards, request.view(),
                  [team = request.team()](const wire::board& board, reply_sink& sink) {
                      answer_team(board, team, sink);
                  });
    });
    rpc.on_encoded(service, "UpdateScoreByGame", roles(role::scorer), [&boards, &writer](call& one) {
        v1::Mutation mutation;
        if (rpc_router::parse(one, *mutation.mutable_update_score()))
            write(one, boards, writer, std::move(mutation));
    });
    rpc.on_encoded(service, "IncrementMedalTally", roles(role::scorer), [&boards, &writer](call& one) {
        v1::Mutation mutation;
        if (rpc_router::parse(one, *mutation.mutable_increment_medal()))
            write(one, boards, writer, std::move(mutation));
    });
}

} // namespace

void add_front_end_rpc(server& to, board_set& boards, board_writer& writer) {
    add_common(to, boards, writer, "FrontEnd");
    to.rpc().on_encoded("FrontEnd", "Subscribe", anyone, [&to, &boards](call& one) {
        const auto size = one.body().size();
        if (size > 2 * topic_bytes_max) // not even parsed
            return one.fail(too_many_topics("a request of " + std::to_string(size) + " bytes"));
        v1::SubscribeRequest request;
        if (!rpc_router::parse(one, request)) return;
        auto wanted = subscription_to(request.topics());
        if (!wanted) return one.fail(wanted.error());
        wanted->since = {request.board(), request.since()};
        stream(one, to, boards, request.view(), *std::move(wanted), reset_event::after_gap);
    });
    to.rpc().on_call<v1::ListGamesRequest>(
        "FrontEnd", "ListGames", anyone, [&to, &boards](const v1::ListGamesRequest& request, call& one) {
            when_seen(one, to, boards, request.view(), [request](const wire::board& board, reply_sink& sink) {
                list_games(board, request, sink);
            });
        });
    to.rpc().on_call<v1::ListTeamsRequest>(
        "FrontEnd", "ListTeams", anyone, [&to, &boards](const v1::ListTeamsRequest& request, call& one) {
            when_seen(one, to, boards, request.view(), [request](const wire::board& board, reply_sink& sink) {
                list_teams(board, request, sink);
            });
        });
}

void add_database_rpc(server& to, board_set& boards, board_writer& writer, watch_check may_watch) {
    add_common(to, boards, writer, "Database");
    to.rpc().on_call<v1::WatchRequest>(
        "Database", "Watch", anyone, [&to, &boards, may_watch](const v1::WatchRequest& request, call& one) {
            if (may_watch)
                if (auto fine = may_watch(request, one.roles()); !fine) return one.fail(fine.error());
            std::vector<std::string> topics;
            for (const auto& prefix : request.prefixes()) topics.push_back(prefix + "*");
            auto wanted = subscription_to(topics);
            if (!wanted) return one.fail(wanted.error());
            wanted->since = {request.board(), request.since()};
            wanted->history = request.history();
            wanted->lossless = true;
            stream(one, to, boards, request.view(), *std::move(wanted), reset_event::before_states);
        });
}

} // namespace stadion::net
