// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILedger} from "../../src/interfaces/ILedger.sol";
import {IStake} from "../../src/interfaces/IStake.sol";
import {Base} from "../support/Base.sol";
import {BlockingToken} from "../support/Tokens.sol";

contract JudgeTest is Base {
    address private constant JUDGE = address(0x10D6E);
    address private constant REPORTER = address(0x4E904);
    bytes32 private constant REASON = "a lost file";

    function setUp() public override {
        super.setUp();
        vm.prank(provider);
        stake.stake(provider, 1000);
    }

    function admit(uint96 limit) private {
        vm.prank(provider);
        stake.admit(JUDGE, limit);
    }

    function dismiss() private {
        vm.prank(provider);
        stake.dismiss(JUDGE);
    }

    function slash(uint96 amount) private {
        vm.prank(JUDGE);
        stake.slash(provider, amount, REPORTER, REASON);
    }

    function claim(uint40 when) private {
        uint40[] memory list = new uint40[](1);
        list[0] = when;
        vm.prank(REPORTER);
        stake.claim(list);
    }

    function test_Admit_ItCountsAtOnceUpToTheLimit() external {
        vm.expectEmit(address(stake));
        emit IStake.JudgeAdmitted(provider, JUDGE, 300);
        admit(300);
        slash(200);
        vm.expectRevert(abi.encodeWithSelector(IStake.JudgeLimitExceeded.selector, provider, JUDGE, 100, 101));
        slash(101);
        slash(100);
        vm.assertEq(stake.stakeOf(provider), 700, "left");
    }

    function test_Admit_ALowerLimitIsNoLower() external {
        admit(300);
        admit(1);
        slash(300);
        vm.assertEq(stake.stakeOf(provider), 700, "left");
    }

    function test_RevertWhen_TheJudgeIsZero() external {
        vm.expectRevert(IStake.ZeroAddress.selector);
        vm.prank(provider);
        stake.admit(address(0), 1);
    }

    function test_Dismiss_ItCountsAfterTheDelayOnly() external {
        admit(300);
        vm.expectEmit(address(stake));
        emit IStake.JudgeDismissed(provider, JUDGE, START + LEAVE_DELAY);
        dismiss();
        pass(LEAVE_DELAY);
        slash(1); // its last second
        pass(1);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotJudge.selector, provider, JUDGE, START + LEAVE_DELAY));
        slash(1);
    }

    function test_RevertGiven_NoSuchJudgeOrDismissedAlready() external {
        vm.expectRevert(abi.encodeWithSelector(IStake.NotJudge.selector, provider, JUDGE, 0));
        dismiss();
        admit(300);
        dismiss();
        vm.expectRevert(abi.encodeWithSelector(IStake.NotJudge.selector, provider, JUDGE, START + LEAVE_DELAY));
        dismiss();
        admit(0); // takes the dismissal back
        pass(LEAVE_DELAY + 1);
        slash(300);
    }

    function test_RevertGiven_TheCallerIsNoJudgeOfThatStaker() external {
        vm.prank(renter);
        stake.admit(JUDGE, 300);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotJudge.selector, provider, JUDGE, 0));
        slash(1);
        admit(300);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotJudge.selector, provider, stranger, 0));
        vm.prank(stranger);
        stake.slash(provider, 1, REPORTER, REASON);
    }

    function test_GivenLessIsStaked_ItTakesWhatIsThere() external {
        admit(3000);
        slash(2500);
        (uint96 amount,,, uint24 faults) = stake.stakers(provider);
        vm.assertEq(amount, 0, "left");
        vm.assertEq(faults, 1, "faults");
        (, uint96 slashed,) = stake.judges(provider, JUDGE);
        vm.assertEq(slashed, 1000, "counted");
    }

    function test_RevertGiven_NothingIsStakedOrTheReporterIsZero() external {
        admit(3000);
        vm.expectRevert(IStake.ZeroAddress.selector);
        vm.prank(JUDGE);
        stake.slash(provider, 1, address(0), REASON);
        slash(1000);
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingToSlash.selector, provider));
        slash(1);
    }

    function testFuzz_ItBurnsAtLeast95Percent(uint96 penalty) external {
        penalty = uint96(bound(penalty, 1, 1000));
        admit(1000);
        uint256 before = token.balanceOf(stake.BURN());
        slash(penalty);
        uint256 burned = token.balanceOf(stake.BURN()) - before;
        uint256 share = stake.claims(REPORTER, START + LEAVE_DELAY);
        vm.assertEq(burned + share, penalty, "all of it");
        vm.assertGe(burned * 100, uint256(penalty) * 95, "burned too little");
    }

    function test_Claim_ItPaysWhenItIsMature() external {
        admit(1000);
        vm.expectEmit(address(stake));
        emit IStake.Slashed(provider, JUDGE, REASON, 95, 5, REPORTER);
        vm.expectEmit(address(stake));
        emit IStake.ClaimOpened(REPORTER, START + LEAVE_DELAY, 5);
        slash(100);
        pass(LEAVE_DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingToClaim.selector, REPORTER, START + LEAVE_DELAY));
        claim(START + LEAVE_DELAY);

        slash(100); // a second claim for the same reporter
        pass(1);
        claim(START + LEAVE_DELAY);
        vm.assertEq(token.balanceOf(REPORTER), 5, "the first was not pushed back");
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingToClaim.selector, REPORTER, START + LEAVE_DELAY));
        claim(START + LEAVE_DELAY);
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingToClaim.selector, stranger, now_() - 1 + LEAVE_DELAY));
        uint40[] memory list = new uint40[](1);
        list[0] = now_() - 1 + LEAVE_DELAY;
        vm.prank(stranger);
        stake.claim(list);
    }

    function test_GivenACoinThatRefusesToBurn_ItSlashesAllTheSame() external {
        BlockingToken coin = new BlockingToken(address(this), 1000, stake.BURN());
        ledger = ILedger(vm.deployCode("Ledger.sol:Ledger", abi.encode(coin, DELAY)));
        stake = IStake(vm.deployCode("Stake.sol:Stake", abi.encode(ledger, LEAVE_DELAY)));
        coin.approve(address(stake), 1000);
        stake.stake(provider, 1000);
        admit(1000);
        slash(1000);
        vm.assertEq(stake.stakeOf(provider), 0, "left");
        vm.assertEq(stake.claims(REPORTER, START + LEAVE_DELAY), 50, "claim");
        pass(LEAVE_DELAY);
        claim(START + LEAVE_DELAY);
        vm.assertEq(coin.balanceOf(address(stake)), 950, "what nobody can take out");
    }
}
