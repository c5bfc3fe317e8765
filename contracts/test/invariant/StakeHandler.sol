// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ILedger} from "../../src/interfaces/ILedger.sol";
import {IStake} from "../../src/interfaces/IStake.sol";
import {Base} from "../support/Base.sol";

/// @notice A thief who is everybody: staker, renter of its own leases, judge it admitted, reporter. It wants its stake
/// out without waiting, or out of a punishment. An honest staker stands beside it, whose money must stay untouched.
contract StakeHandler is Base {
    uint256 private constant THIEF = uint256(keccak256("thief"));
    uint256 private constant ACCOMPLICE = uint256(keccak256("accomplice"));
    address public thief = vm.addr(THIEF);
    address public accomplice = vm.addr(ACCOMPLICE);
    uint96 public constant HONEST = 10 ether;

    uint40[] private dues;
    uint64 private tasks;

    // Ghosts, from balances.
    uint256 public staked;
    uint256 public unstaked;
    uint256 public claimed;
    mapping(uint256 task => uint256) public timesSlashed;
    uint64 public mostTask;
    bool public tooSoon; // something came out before its delay
    bool public slashedTwice;
    mapping(uint40 due => uint40) private openedAt;
    uint40 private leftAt;

    constructor(IERC20 token_, ILedger ledger_, IStake stake_) {
        (token, ledger, stake) = (token_, ledger_, stake_);
    }

    function begin() external {
        fund(thief);
        fund(provider);
        vm.prank(provider);
        stake.stake(provider, HONEST);
    }

    function put(uint96 amount) external {
        amount = uint96(bound(amount, 1, 10 ether));
        if (token.balanceOf(thief) < amount) return;
        vm.prank(thief);
        stake.stake(thief, amount);
        staked += amount;
    }

    function leave(uint96 amount) external {
        (uint96 have,,,) = stake.stakers(thief);
        amount = uint96(bound(amount, 0, have));
        vm.prank(thief);
        stake.leave(amount);
        leftAt = now_();
    }

    function unstake() external {
        uint256 before = token.balanceOf(thief);
        vm.prank(thief);
        try stake.unstake() {
            uint256 got = token.balanceOf(thief) - before;
            unstaked += got;
            if (got != 0 && now_() < leftAt + LEAVE_DELAY) tooSoon = true;
        } catch {}
    }

    function admit(uint96 limit) external {
        vm.prank(thief);
        stake.admit(accomplice, uint96(bound(limit, 1, 100 ether)));
    }

    function dismiss() external {
        vm.prank(thief);
        try stake.dismiss(accomplice) {} catch {}
    }

    /// @dev Slashes itself through its own judge.
    function slash(uint96 amount) external {
        uint256 before = claimsNow();
        vm.prank(accomplice);
        try stake.slash(thief, uint96(bound(amount, 1, 10 ether)), accomplice, "mine") {
            note(before);
        } catch {}
        // It tries the honest one's stake as well.
        vm.prank(accomplice);
        try stake.slash(provider, 1, accomplice, "yours") {} catch {}
    }

    /// @dev Slashes itself by a contradiction of its own making; for an old task it tries a second time.
    function equivocate(uint96 penalty, uint64 task, bool again) external {
        task = again && mostTask != 0 ? uint64(bound(task, 0, mostTask - 1)) : mostTask++;
        // One lease for all tasks; its penalty must not change, or it would be another lease.
        penalty = 3 ether;
        IStake.Equivocation memory p;
        p.lease = IStake.Lease(accomplice, thief, LANE, START, START + 366 days, penalty, 1, "terms");
        bytes32 id = stake.leaseDigest(p.lease);
        p.byRenter = sig(ACCOMPLICE, id);
        p.byProvider = sig(THIEF, id);
        p.a = IStake.Result(id, task, 1, bytes32(uint256(now_())), 0);
        p.b = IStake.Result(id, task, 1, bytes32(uint256(now_()) + 1), 0);
        p.sigA = sig(THIEF, stake.resultDigest(p.a));
        p.sigB = sig(THIEF, stake.resultDigest(p.b));
        uint256 before = claimsNow();
        try stake.proveEquivocation(p, accomplice) {
            note(before);
            if (++timesSlashed[task] > 1) slashedTwice = true;
        } catch {}
    }

    /// @dev It forges the honest one's signature on a lease, or on a result.
    function frame(uint96 penalty, bool onLease) external {
        IStake.Equivocation memory p;
        p.lease = IStake.Lease(
            accomplice,
            onLease ? provider : thief,
            LANE,
            START,
            START + 366 days,
            uint96(bound(penalty, 1, 10 ether)),
            1,
            0
        );
        bytes32 id = stake.leaseDigest(p.lease);
        p.byRenter = sig(ACCOMPLICE, id);
        p.byProvider = sig(THIEF, id);
        p.a = IStake.Result(id, 0, 1, "a", 0);
        p.b = IStake.Result(id, 0, 1, "b", 0);
        p.sigA = sig(THIEF, stake.resultDigest(p.a));
        p.sigB = sig(THIEF, stake.resultDigest(p.b));
        if (!onLease) p.lease.provider = provider;
        try stake.proveEquivocation(p, accomplice) {} catch {}
    }

    function claim(uint256 n) external {
        if (dues.length == 0) return;
        uint40[] memory list = new uint40[](1);
        list[0] = dues[n % dues.length];
        uint256 before = token.balanceOf(accomplice);
        vm.prank(accomplice);
        try stake.claim(list) {
            uint256 got = token.balanceOf(accomplice) - before;
            claimed += got;
            if (now_() < openedAt[list[0]] + LEAVE_DELAY) tooSoon = true;
        } catch {}
    }

    function wait_(uint32 time) external {
        pass(time % 3 == 0 ? bound(time, 1, 8 days) : bound(time, 1, 12 hours));
    }

    // ---- what the invariants ask ----

    function claimsOpen() public view returns (uint256 sum) {
        for (uint256 i; i < dues.length; ++i) {
            sum += stake.claims(accomplice, dues[i]);
        }
    }

    // ---- inside ----

    /// @dev Claims that a slash now would open: at now + LEAVE_DELAY, or, if the delay were skipped, at once.
    function claimsNow() private view returns (uint256) {
        return stake.claims(accomplice, now_() + LEAVE_DELAY) + stake.claims(accomplice, now_());
    }

    function note(uint256 before) private {
        if (claimsNow() == before) return;
        for (uint40 k; k < 2; ++k) {
            uint40 due = k == 0 ? now_() + LEAVE_DELAY : now_();
            if (stake.claims(accomplice, due) == 0) continue;
            bool known;
            for (uint256 i; i < dues.length; ++i) {
                if (dues[i] == due) known = true;
            }
            if (!known) dues.push(due);
            if (openedAt[due] < now_()) openedAt[due] = now_();
        }
    }
}
